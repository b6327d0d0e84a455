//! Glushkov's construction: the steps of a pattern, and from them the places that read a character each.

use super::{Automaton, MOST_PLACES, MOST_WAYS};
use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind, Look, Repetition};
use std::collections::{BTreeSet, HashMap};

/// A step of the pattern: what must be there, and the steps behind it.
enum Step {
    /// A character of the class.
    Read(usize, usize),
    /// Nothing: one way or another.
    Fork(Vec<usize>),
    /// Nothing but a boundary.
    Look(Look, usize),
    Accept,
}

/// What is on one side of a boundary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    /// Nothing: the value begins or ends here.
    Edge,
    /// A letter, digit or underscore of ASCII.
    Word,
    Newline,
    /// Any other character; or any, where the pattern does not ask.
    Other,
}

/// Steps from the last to the first, and the classes that they read.
#[derive(Default)]
pub(crate) struct Builder {
    steps: Vec<Step>,
    classes: Vec<ClassUnicode>,
    known: HashMap<Vec<(char, char)>, usize>,
    bounded: bool,
}

impl Builder {
    pub(crate) fn build(mut self, tree: &Hir) -> Option<Automaton> {
        let accept = self.add(Step::Accept)?;
        let first = self.steps_of(tree, accept)?;
        let mut places: Vec<(usize, usize, Side)> = Vec::new();
        let sides: &[Side] = if self.bounded {
            &[Side::Word, Side::Newline, Side::Other]
        } else {
            &[Side::Other]
        };
        let mut of_step: HashMap<usize, Vec<usize>> = HashMap::new();
        for (index, step) in self.steps.iter().enumerate() {
            let Step::Read(class, next) = step else {
                continue;
            };
            for side in sides {
                places.push((*class, *next, *side));
                of_step.entry(index).or_default().push(places.len());
            }
        }
        if places.len() > MOST_PLACES {
            return None;
        }
        let mut automaton = Automaton {
            bounds: Vec::new(),
            kinds: Vec::new(),
            reads: Vec::new(),
            follow: Vec::new(),
            ends: Vec::new(),
        };
        let mut ways = 0;
        for (place, (from, before)) in std::iter::once((first, Side::Edge))
            .chain(places.iter().map(|(_, next, side)| (*next, *side)))
            .enumerate()
        {
            let mut follow = BTreeSet::new();
            for behind in sides {
                let reached = self.reached(from, before, *behind);
                let here = reached
                    .iter()
                    .filter_map(|step| of_step.get(step))
                    .flatten();
                follow.extend(here.filter(|place| places[**place - 1].2 == *behind));
            }
            if self.reached(from, before, Side::Edge).contains(&accept) {
                automaton.ends.push(place);
            }
            ways += follow.len();
            if ways > MOST_WAYS {
                return None;
            }
            automaton.follow.push(follow.into_iter().collect());
        }
        self.kinds(&places, &mut automaton);
        Some(automaton)
    }

    fn add(&mut self, step: Step) -> Option<usize> {
        self.steps.push(step);
        (self.steps.len() <= 2 * MOST_PLACES).then_some(self.steps.len() - 1)
    }

    /// The first step of a tree whose last leads to `next`.
    fn steps_of(&mut self, tree: &Hir, next: usize) -> Option<usize> {
        match tree.kind() {
            HirKind::Empty => Some(next),
            HirKind::Literal(literal) => {
                let text = String::from_utf8_lossy(&literal.0).into_owned();
                text.chars().rev().try_fold(next, |next, c| {
                    self.read(ClassUnicode::new([ClassUnicodeRange::new(c, c)]), next)
                })
            }
            HirKind::Class(Class::Unicode(class)) => self.read(class.clone(), next),
            HirKind::Class(Class::Bytes(class)) => {
                let ranges = class
                    .iter()
                    .map(|range| ClassUnicodeRange::new(range.start().into(), range.end().into()));
                self.read(ClassUnicode::new(ranges), next)
            }
            HirKind::Look(look) => {
                self.bounded |= !matches!(look, Look::Start | Look::End);
                self.add(Step::Look(*look, next))
            }
            HirKind::Capture(capture) => self.steps_of(&capture.sub, next),
            HirKind::Concat(parts) => parts
                .iter()
                .rev()
                .try_fold(next, |next, part| self.steps_of(part, next)),
            HirKind::Alternation(branches) => {
                let starts = branches
                    .iter()
                    .map(|branch| self.steps_of(branch, next))
                    .collect::<Option<Vec<_>>>()?;
                self.add(Step::Fork(starts))
            }
            HirKind::Repetition(repetition) => self.repeated(repetition, next),
        }
    }

    /// As many times as must be, then as many as may be: a loop, or one inside the other, so that each leads to one more or out.
    fn repeated(&mut self, repetition: &Repetition, next: usize) -> Option<usize> {
        let mut start = match repetition.max {
            Some(max) => {
                let mut start = next;
                for _ in repetition.min..max {
                    let once = self.steps_of(&repetition.sub, start)?;
                    start = self.add(Step::Fork(vec![once, next]))?;
                }
                start
            }
            None => {
                let fork = self.add(Step::Fork(Vec::new()))?;
                let again = self.steps_of(&repetition.sub, fork)?;
                self.steps[fork] = Step::Fork(vec![again, next]);
                fork
            }
        };
        for _ in 0..repetition.min {
            start = self.steps_of(&repetition.sub, start)?;
        }
        Some(start)
    }

    fn read(&mut self, class: ClassUnicode, next: usize) -> Option<usize> {
        let ranges: Vec<(char, char)> = class
            .iter()
            .map(|range| (range.start(), range.end()))
            .collect();
        let classes = &mut self.classes;
        let index = *self.known.entry(ranges).or_insert_with(|| {
            classes.push(class);
            classes.len() - 1
        });
        self.add(Step::Read(index, next))
    }

    /// The steps that read or accept and that are reached without reading, between these two.
    fn reached(&self, from: usize, before: Side, behind: Side) -> BTreeSet<usize> {
        let (mut seen, mut open, mut reached) =
            (BTreeSet::from([from]), vec![from], BTreeSet::new());
        while let Some(step) = open.pop() {
            let next: &[usize] = match &self.steps[step] {
                Step::Read(..) | Step::Accept => {
                    reached.insert(step);
                    &[]
                }
                Step::Fork(ways) => ways,
                Step::Look(look, next) if holds(*look, before, behind) => {
                    std::slice::from_ref(next)
                }
                Step::Look(..) => &[],
            };
            open.extend(next.iter().filter(|next| seen.insert(**next)));
        }
        reached
    }

    /// Which characters the places distinguish. Half a pair of UTF-16, which Python can hold and no exposition can, is read by none.
    fn kinds(&self, places: &[(usize, usize, Side)], automaton: &mut Automaton) {
        let mut bounds: BTreeSet<u32> = BTreeSet::from([0xd800, 0xe000]);
        for range in self.classes.iter().flat_map(ClassUnicode::iter) {
            bounds.extend([range.start() as u32, range.end() as u32 + 1]);
        }
        if self.bounded {
            bounds.extend(['\n' as u32, '\n' as u32 + 1]);
            bounds.extend(['0', '9', 'A', 'Z', '_', 'a', 'z'].map(|c| c as u32));
            bounds.extend(['9', 'Z', '_', 'z'].map(|c| c as u32 + 1));
        }
        bounds.remove(&0);
        bounds.remove(&0x11_0000);
        let mut known: HashMap<Vec<usize>, usize> = HashMap::from([(Vec::new(), 0)]);
        automaton.reads.push(Vec::new());
        for low in std::iter::once(0).chain(bounds) {
            let places: Vec<usize> = char::from_u32(low).map_or(Vec::new(), |c| {
                let inside: Vec<bool> = self
                    .classes
                    .iter()
                    .map(|class| holds_character(class, c))
                    .collect();
                let side = self.side(c);
                (1..=places.len())
                    .filter(|place| inside[places[*place - 1].0] && places[*place - 1].2 == side)
                    .collect()
            });
            let new = known.len();
            let kind = *known.entry(places.clone()).or_insert(new);
            if kind == new {
                automaton.reads.push(places);
            }
            if automaton.kinds.last() == Some(&kind) {
                continue;
            }
            if low > 0 {
                automaton.bounds.push(low);
            }
            automaton.kinds.push(kind);
        }
    }

    fn side(&self, c: char) -> Side {
        match c {
            _ if !self.bounded => Side::Other,
            '\n' => Side::Newline,
            c if c.is_ascii_alphanumeric() || c == '_' => Side::Word,
            _ => Side::Other,
        }
    }
}

fn holds_character(class: &ClassUnicode, c: char) -> bool {
    let ranges = class.ranges();
    let at = ranges.partition_point(|range| range.end() < c);
    ranges.get(at).is_some_and(|range| range.start() <= c)
}

/// Whether a boundary is there. RE2 knows no others.
fn holds(look: Look, before: Side, behind: Side) -> bool {
    let word = (before == Side::Word) != (behind == Side::Word);
    match look {
        Look::Start => before == Side::Edge,
        Look::End => behind == Side::Edge,
        Look::StartLF => matches!(before, Side::Edge | Side::Newline),
        Look::EndLF => matches!(behind, Side::Edge | Side::Newline),
        Look::WordAscii => word,
        Look::WordAsciiNegate => !word,
        _ => false,
    }
}
