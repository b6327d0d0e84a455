//! Which change says which edit: candidates by what they say today, judged by what is rendered with them.

use super::comparison::{Beside, Comparison, Edited, Spot, lines};
use super::keys::{Key, distances, inherited, of_catalog};
use super::literal;
use super::shape::Shape;
use super::silent;
use super::spelling::{Spelling, spellings};
use super::trial::{Change, KeyChange, Refusal, Stand};
use crate::artifacts::{ARTIFACTS, Artifact, Role};
use crate::catalog::Duration;
use crate::diagnostic::Place;
use crate::pipeline::overlay_name;
use crate::render::LINE;
use crate::source::pointer;
use crate::value::Value;
use anyhow::Result;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
use std::rc::Rc;

/// So many keys are tried for one place, the nearest first.
const EACH: usize = 40;

/// So many changes that are refused count as one that is rendered.
const REFUSED: usize = 8;

/// Places for which keys are looked for that they do not spell: more were not edited by hand.
const SILENT: usize = 12;

/// What became of the edits.
pub(crate) struct Found {
    /// What says them, all together rendered and seen to say them.
    pub(crate) changes: Vec<Chosen>,
    /// Every edited place, in the order of the files.
    pub(crate) told: Vec<Told>,
    /// The catalog with all changes.
    pub(crate) after: Option<Stand>,
    /// Whether there were more keys than were tried.
    pub(crate) exhausted: bool,
}

/// A change, and the others that would say the same edits.
#[derive(Clone, Debug)]
pub(crate) struct Chosen {
    pub(crate) change: Change,
    pub(crate) instead: Vec<Change>,
    /// Whether everything that it changes is on disk as it would be rendered, in several files: nobody edits like that by hand. It
    /// was the catalog that was edited, and not rendered since.
    pub(crate) everywhere: bool,
}

/// An edited place, or several in one line.
pub(crate) struct Told {
    /// Under the output folder.
    pub(crate) path: String,
    /// In the file on disk, from 1.
    pub(crate) line: usize,
    /// That line.
    pub(crate) text: String,
    /// The lines as they are rendered, and as they are on disk.
    pub(crate) old: String,
    pub(crate) new: String,
    pub(crate) says: Says,
}

/// What says an edited place.
#[derive(Clone)]
pub(crate) enum Says {
    /// One of the changes that were found, by its index.
    Change(usize),
    /// Each of these would, and nothing is for one of them.
    Several(Vec<Change>),
    /// This one would, and another edit says something else of the same key.
    Contradicted(Change),
    /// The catalog without these entries renders it.
    Without(Change),
    /// This one would, if it were not refused.
    Refused(Change, Rc<Refusal>),
    /// No key: the line of a template, or of a file of the user's own.
    Line {
        place: Place,
        /// The template with the edited text in it, which is seen to say the edit.
        change: Option<Change>,
    },
}

/// A change that was tried.
struct Tried {
    change: Change,
    /// The places that it is a candidate for.
    meant: BTreeSet<usize>,
    outcome: Outcome,
}

enum Outcome {
    Refused(Rc<Refusal>),
    Rendered {
        /// The places that it says.
        says: BTreeSet<usize>,
        /// In how many places the edited files then still differ from the disk.
        left: usize,
        /// The places in whose lines something changes.
        moves: BTreeSet<usize>,
    },
}

/// Looks for what says the edits of files; `own` are templates that may be changed, `trials` is how many changes may be tried.
pub(crate) fn search(
    stand: &Stand,
    edited: &[Edited],
    own: &dyn Fn(&str) -> bool,
    trials: usize,
) -> Result<Found> {
    let comparison = Comparison::of(stand, edited);
    let mut search = Search {
        stand,
        artifacts: artifacts(stand, edited),
        comparison,
        trials,
        refused: 0,
        exhausted: false,
    };
    let tried = search.keys()?;
    let mut answers: Vec<Option<Says>> = Vec::new();
    let mut chosen: Vec<Chosen> = Vec::new();
    let best: Vec<Option<Best>> = (0..search.comparison.spots.len())
        .map(|spot| search.best(spot, &tried))
        .collect::<Result<_>>()?;
    let words = words(&best);
    for one in best {
        answers.push(match one {
            None => None,
            Some(Best::Several(changes)) => Some(Says::Several(changes)),
            Some(Best::One(one)) => Some(match &one.change {
                Change::Keys(keys) if keys.iter().any(KeyChange::removes_entry) => {
                    Says::Without(one.change.clone())
                }
                Change::Keys(keys) if keys.iter().any(|key| words[&key.steps].len() > 1) => {
                    Says::Contradicted(one.change.clone())
                }
                _ => Says::Change(index(&mut chosen, one)),
            }),
        });
    }
    let mut after = search.together(&mut chosen, &mut answers)?;
    for (spot, answer) in answers.iter_mut().enumerate() {
        if answer.is_none() {
            *answer = search.without_key(spot, &tried, own, &mut chosen, &mut after)?;
        }
    }
    for one in &mut chosen {
        one.everywhere = search.is_everywhere(&one.change)?;
    }
    let told = search.told(answers);
    let after = match chosen.is_empty() {
        true => None,
        false => search.all(&chosen)?,
    };
    Ok(Found {
        changes: chosen,
        told,
        after,
        exhausted: search.exhausted,
    })
}

/// What is to be rendered to see the edited files: them, and the rules, which other templates read; everything, if that is not
/// enough.
fn artifacts(stand: &Stand, edited: &[Edited]) -> Vec<Artifact> {
    let templates: BTreeSet<&str> = edited
        .iter()
        .filter(|edited| edited.asked)
        .filter_map(|edited| Some(stand.rendered.file(&edited.path)?.template))
        .collect();
    let wanted = |artifact: &&Artifact| {
        matches!(artifact.role, Role::Rules { .. }) || templates.contains(artifact.template)
    };
    let some: Vec<Artifact> = ARTIFACTS.iter().filter(wanted).copied().collect();
    let same = stand.again(&some).is_some_and(|other| {
        let mut asked = edited.iter().filter(|edited| edited.asked);
        asked.all(|edited| stand.text(&edited.path) == other.text(&edited.path))
    });
    match same {
        true => some,
        false => ARTIFACTS.to_vec(),
    }
}

/// Keys of one name that each change a place without saying it: what several services have otherwise alike is one text.
fn together(spot: usize, tried: &[Tried]) -> Vec<Change> {
    let mut alike: BTreeMap<(&str, &str), Vec<KeyChange>> = BTreeMap::new();
    for one in tried {
        let (Outcome::Rendered { says, moves, .. }, [key]) = (&one.outcome, one.change.keys())
        else {
            continue;
        };
        if says.contains(&spot) {
            return Vec::new();
        }
        if one.meant.contains(&spot) && moves.contains(&spot) && key.written {
            let name = key.steps.last().map_or("", String::as_str);
            let Some(word) = &key.word else { continue };
            let keys = alike.entry((name, word)).or_default();
            keys.push(key.clone());
        }
    }
    let several = alike.into_values().filter(|keys| keys.len() > 1);
    several.map(Change::Keys).collect()
}

/// Whether something that was tried says a place.
fn says(tried: &[Tried], spot: usize) -> bool {
    tried
        .iter()
        .any(|one| matches!(&one.outcome, Outcome::Rendered { says, .. } if says.contains(&spot)))
}

/// What fits a place best.
enum Best {
    One(Chosen),
    Several(Vec<Change>),
}

/// Key → the values that places ask of it.
fn words(best: &[Option<Best>]) -> BTreeMap<Vec<String>, BTreeSet<Option<String>>> {
    let mut found: BTreeMap<Vec<String>, BTreeSet<Option<String>>> = BTreeMap::new();
    for one in best.iter().flatten() {
        if let Best::One(one) = one {
            for key in one.change.keys() {
                let words = found.entry(key.steps.clone()).or_default();
                words.insert(key.word.clone());
            }
        }
    }
    found
}

/// The index of a change among those that were chosen; it is added, if it is new.
fn index(chosen: &mut Vec<Chosen>, one: Chosen) -> usize {
    let known = chosen.iter().position(|known| known.change == one.change);
    known.unwrap_or_else(|| {
        chosen.push(one);
        chosen.len() - 1
    })
}

struct Search<'s> {
    stand: &'s Stand,
    artifacts: Vec<Artifact>,
    comparison: Comparison,
    trials: usize,
    /// Changes that were refused before anything was rendered.
    refused: usize,
    exhausted: bool,
}

impl Search<'_> {
    /// One trial less; false: there were enough.
    fn may(&mut self) -> bool {
        let left = self.trials.checked_sub(1);
        self.trials = left.unwrap_or_default();
        self.exhausted |= left.is_none();
        left.is_some()
    }

    /// Every key that may say a place, tried.
    fn keys(&mut self) -> Result<Vec<Tried>> {
        let known: Vec<(Key, Vec<Spelling>)> = spelled(of_catalog(self.stand));
        let all = self.comparison.judge(self.stand).1;
        let mut tried: Vec<Tried> = Vec::new();
        for spot in 0..self.comparison.spots.len() {
            // What says it, and contradicts no line of the files, leaves nothing for keys of names that stand farther away.
            let mut farthest = usize::MAX;
            for (far, change) in self.candidates(spot, &known) {
                if far > farthest {
                    break;
                }
                let index = match tried.iter().position(|one| one.change == change) {
                    Some(index) => index,
                    None => match self.tried(change, BTreeSet::new())? {
                        Some(one) => {
                            tried.push(one);
                            tried.len() - 1
                        }
                        None => continue,
                    },
                };
                let one = &mut tried[index];
                one.meant.insert(spot);
                let written = one.change.keys().iter().all(|key| key.written);
                if let Outcome::Rendered { says, left, .. } = &one.outcome
                    && written
                    && says.contains(&spot)
                    && left + says.len() <= all
                {
                    farthest = far;
                }
            }
        }
        for spot in 0..self.comparison.spots.len() {
            for change in together(spot, &tried) {
                tried.extend(self.tried(change, BTreeSet::from([spot]))?);
            }
        }
        let silent = (0..self.comparison.spots.len()).filter(|spot| !says(&tried, *spot));
        let silent: Vec<usize> = silent.collect();
        self.exhausted |= silent.len() > SILENT;
        for spot in silent.into_iter().take(SILENT) {
            // Another one may have been found to say it too.
            if !says(&tried, spot) {
                self.silent(spot, &mut tried)?;
            }
        }
        Ok(tried)
    }

    /// Keys that a place does not spell, tried; of those that say it, the same key of other tables too.
    fn silent(&mut self, spot: usize, tried: &mut Vec<Tried>) -> Result<()> {
        let at = self.comparison.spots[spot].at.clone();
        let Beside { base, disk, .. } = &self.comparison.files[self.comparison.spots[spot].file];
        let (base, disk) = (base.text.clone(), disk.text.clone());
        let place = silent::Place {
            base: &base,
            line: self.line(spot),
            words: (&base[at.old.clone()], &disk[at.new.clone()]),
            lines: (&base[lines(&base, &at.old)], &disk[lines(&disk, &at.new)]),
        };
        let all = self.comparison.judge(self.stand).1;
        let mut name: Option<String> = None;
        for keys in silent::keys(self.stand, &place) {
            let last = keys.last().and_then(|key| key.steps.last()).cloned();
            if name.is_some() && name != last {
                continue;
            }
            let change = Change::Keys(keys);
            if tried.iter().any(|one| one.change == change) {
                continue;
            }
            let Some(one) = self.tried(change, BTreeSet::new())? else {
                continue;
            };
            // The place does not spell the value that holds: it follows from a bound of it, and other lines say the value itself.
            let holds = |key: &KeyChange| !key.before.is_null() && key.word.is_some();
            let contradicts = |outcome: &Outcome| match outcome {
                Outcome::Rendered { says, left, .. } => left + says.len() > all,
                Outcome::Refused(_) => false,
            };
            if one.change.keys().iter().any(holds) && contradicts(&one.outcome) {
                continue;
            }
            tried.push(one);
            if name.is_none() && says(tried, spot) {
                name = last;
            }
        }
        if name.is_some() || !self.comparison.files[self.comparison.spots[spot].file].asked {
            return Ok(());
        }
        let path = self.comparison.files[self.comparison.spots[spot].file]
            .path
            .clone();
        for key in silent::probes(self.stand, &place) {
            if !self.may() {
                break;
            }
            let probe = Change::Keys(vec![key.clone()]);
            let Some(Ok(stand)) = self.stand.with(&probe, &self.artifacts)? else {
                continue;
            };
            let rendered = Shape::of(&path, stand.text(&path).unwrap_or_default()).text;
            for text in silent::probed(&rendered, &place) {
                let word = Some(text);
                let change = Change::Keys(vec![KeyChange {
                    word,
                    ..key.clone()
                }]);
                tried.extend(self.tried(change, BTreeSet::new())?);
            }
            if says(tried, spot) {
                break;
            }
        }
        Ok(())
    }

    /// The line of a place in its file as it is rendered, from 1.
    fn line(&self, spot: usize) -> usize {
        let spot = &self.comparison.spots[spot];
        self.comparison.files[spot.file]
            .base
            .line(spot.at.old.start)
    }

    /// A change with what it does; None: it cannot be written, or enough were tried.
    fn tried(&mut self, change: Change, meant: BTreeSet<usize>) -> Result<Option<Tried>> {
        if !self.may() {
            return Ok(None);
        }
        let outcome = match self.stand.with(&change, &self.artifacts)? {
            None => return Ok(None),
            Some(Err(refusal)) => {
                // Nothing was rendered for it: several cost what one rendering does.
                self.refused += 1;
                self.trials += usize::from(!self.refused.is_multiple_of(REFUSED));
                Outcome::Refused(refusal.into())
            }
            Some(Ok(stand)) => {
                let (says, left) = self.comparison.judge(&stand);
                Outcome::Rendered {
                    says: says.into_iter().collect(),
                    left,
                    moves: self.comparison.moved(&stand),
                }
            }
        };
        Ok(Some(Tried {
            change,
            meant,
            outcome,
        }))
    }

    /// The keys whose value stands in an edited place, each with the value that would stand there; the nearest first.
    fn candidates(&mut self, spot: usize, known: &[(Key, Vec<Spelling>)]) -> Vec<(usize, Change)> {
        let spot = &self.comparison.spots[spot];
        let file = &self.comparison.files[spot.file];
        let distances = distances(&file.base.text, file.base.line(spot.at.old.start));
        let near = self.near(&distances);
        let inherited = spelled(inherited(self.stand, &near));
        let mut found: Vec<(usize, bool, usize, Change)> = Vec::new();
        for (key, spellings) in known.iter().chain(&inherited) {
            for (spelling, text) in self.read(spot, spellings) {
                let Some(word) = spelling.value(&text) else {
                    continue;
                };
                let far = key
                    .names()
                    .map(|name| distances.get(name).copied().unwrap_or(usize::MAX));
                let change = Change::Keys(vec![self.change(key, Some(word))]);
                let rank = (far.max().unwrap_or(0), !key.written, key.reach(), change);
                if !found.iter().any(|known| known.3 == rank.3) {
                    found.push(rank);
                }
            }
        }
        found.sort_by_key(|(far, unwritten, reach, _)| (*far, *unwritten, *reach));
        let all = found.len();
        found.truncate(EACH);
        self.exhausted |= all > EACH;
        found
            .into_iter()
            .map(|(far, .., change)| (far, change))
            .collect()
    }

    /// The services that are named last above a place, or on it.
    fn near<'d>(&self, distances: &HashMap<&'d str, usize>) -> BTreeSet<&'d str> {
        let services = self.stand.filled["services"].as_object();
        let named = distances
            .iter()
            .filter(|(name, _)| services.is_some_and(|services| services.contains_key(name)));
        let nearest = named.clone().map(|(_, distance)| *distance).min();
        named
            .filter(|(_, distance)| Some(**distance) == nearest)
            .map(|(name, _)| *name)
            .collect()
    }

    fn change(&self, key: &Key, word: Option<String>) -> KeyChange {
        let file = match &self.stand.texts.environment {
            Some(environment) => overlay_name(environment),
            None => self.stand.source.at(&pointer(&key.steps)).0,
        };
        KeyChange {
            steps: key.steps.clone(),
            file,
            before: key.value.clone(),
            written: key.written,
            word,
        }
    }

    /// Where a value stands in a place as it is rendered: the text that is there on disk instead.
    fn read<'k>(&self, spot: &Spot, spellings: &'k [Spelling]) -> Vec<(&'k Spelling, String)> {
        let Beside { base, disk, .. } = &self.comparison.files[spot.file];
        let (base, disk) = (&base.text, &disk.text);
        let start = base[..spot.at.old.start].rfind('\n').map_or(0, |at| at + 1);
        let end = base[spot.at.old.end..].find('\n');
        let end = end.map_or(base.len(), |at| spot.at.old.end + at);
        let mut found = Vec::new();
        for spelling in spellings {
            for (at, _) in base[start..end].match_indices(spelling.text.as_str()) {
                let place = start + at..start + at + spelling.text.len();
                if !is_word(base, &place) {
                    continue;
                }
                let mut inside = self.comparison.spots.iter().filter(|other| {
                    other.file == spot.file
                        && other.at.old.start <= place.end
                        && place.start <= other.at.old.end
                });
                let Some(first) = inside.next() else { continue };
                let last = inside.next_back().unwrap_or(first);
                if spot.at.old.start < first.at.old.start || last.at.old.end < spot.at.old.end {
                    continue;
                }
                let old = first.at.old.start..last.at.old.end;
                let new = &disk[first.at.new.start..last.at.new.end];
                found.extend(within(base, &place, &old, new).map(|text| (spelling, text)));
            }
        }
        found
    }

    /// What fits a place best, of what says it.
    fn best(&mut self, spot: usize, tried: &[Tried]) -> Result<Option<Best>> {
        let mut fit: Vec<(usize, bool, &Change)> = Vec::new();
        for one in tried {
            let Outcome::Rendered { says, left, .. } = &one.outcome else {
                continue;
            };
            let keys = one.change.keys();
            let again = fit.iter().any(|(_, _, known)| {
                let known = known.keys().iter().map(|key| &key.steps);
                known.eq(keys.iter().map(|key| &key.steps))
            });
            if says.contains(&spot) && !again {
                fit.push((*left, keys.iter().any(|key| !key.written), &one.change));
            }
        }
        fit.sort_by_key(|(left, unwritten, _)| (*left, *unwritten));
        let Some((left, unwritten, _)) = fit.first().copied() else {
            return Ok(None);
        };
        let alike = fit
            .iter()
            .filter(|fit| (fit.0, fit.1) == (left, unwritten))
            .map(|(.., change)| *change);
        let mut alike: Vec<(usize, usize, &Change)> = alike.map(|change| (0, 0, change)).collect();
        if alike.len() > 1 {
            for (elsewhere, reach, change) in &mut alike {
                *elsewhere = self.elsewhere(change)?;
                let keys = change.keys().iter();
                *reach = keys.map(|key| Key::of(key).reach()).max().unwrap_or(0);
            }
            alike.sort_by_key(|(elsewhere, reach, _)| (*elsewhere, *reach));
        }
        let (elsewhere, reach, first) = alike[0];
        let equal: Vec<Change> = alike
            .iter()
            .filter(|fit| (fit.0, fit.1) == (elsewhere, reach))
            .map(|(.., change)| (*change).clone())
            .collect();
        if equal.len() > 1 {
            return Ok(Some(Best::Several(equal)));
        }
        let instead = fit.iter().map(|(.., change)| *change);
        Ok(Some(Best::One(Chosen {
            change: first.clone(),
            instead: instead.filter(|change| *change != first).cloned().collect(),
            everywhere: false,
        })))
    }

    /// In how many files a change makes another rendering.
    fn elsewhere(&self, change: &Change) -> Result<usize> {
        let Some(Ok(after)) = self.stand.with(change, ARTIFACTS)? else {
            return Ok(usize::MAX);
        };
        let files = after.rendered.files.iter();
        let other = files.filter(|file| self.stand.text(&file.path) != Some(&file.text));
        Ok(other
            .map(|file| {
                let before = self.stand.text(&file.path).unwrap_or_default();
                super::difference::differences(before, &file.text).len()
            })
            .sum())
    }

    /// Whether all that a change makes is on disk already, in several files.
    fn is_everywhere(&self, change: &Change) -> Result<bool> {
        if self.comparison.files.len() < 2 || matches!(change, Change::Template(_)) {
            return Ok(false);
        }
        let Some(Ok(after)) = self.stand.with(change, ARTIFACTS)? else {
            return Ok(false);
        };
        let files = after.rendered.files.iter();
        let changed: Vec<&str> = files
            .filter(|file| self.stand.text(&file.path) != Some(&file.text))
            .map(|file| file.path.as_str())
            .collect();
        let mut on_disk = changed.iter().map(|path| self.comparison.has(path, &after));
        Ok(changed.len() > 1 && on_disk.all(|has| has))
    }

    /// All changes of the list that can stand together; the places of one that takes another back are contradicted.
    fn together(
        &mut self,
        chosen: &mut Vec<Chosen>,
        answers: &mut [Option<Says>],
    ) -> Result<Option<Stand>> {
        let mut kept: Vec<Chosen> = Vec::new();
        let mut said: BTreeSet<usize> = BTreeSet::new();
        let mut after: Option<Stand> = None;
        for (index, one) in chosen.iter().enumerate() {
            let from = after.as_ref().unwrap_or(self.stand);
            let own: BTreeSet<usize> = answers
                .iter()
                .enumerate()
                .filter(|(_, answer)| matches!(answer, Some(Says::Change(of)) if *of == index))
                .map(|(spot, _)| spot)
                .collect();
            let with = from.with(&one.change, &self.artifacts)?;
            let fits = with.and_then(Result::ok).filter(|stand| {
                let says: BTreeSet<usize> = self.comparison.judge(stand).0.into_iter().collect();
                said.is_subset(&says) && own.is_subset(&says)
            });
            let answer = match fits {
                Some(stand) => {
                    after = Some(stand);
                    kept.push(one.clone());
                    said.extend(&own);
                    Says::Change(kept.len() - 1)
                }
                None => Says::Contradicted(one.change.clone()),
            };
            for spot in own {
                answers[spot] = Some(answer.clone());
            }
        }
        *chosen = kept;
        Ok(after)
    }

    /// A place that no key says: what is refused would, or a line of a template does.
    fn without_key(
        &mut self,
        spot: usize,
        tried: &[Tried],
        own: &dyn Fn(&str) -> bool,
        chosen: &mut Vec<Chosen>,
        after: &mut Option<Stand>,
    ) -> Result<Option<Says>> {
        // An earlier change of a template may say this one too.
        if let Some(stand) = after.as_ref().filter(|_| !chosen.is_empty())
            && self.comparison.judge(stand).0.contains(&spot)
        {
            return Ok(Some(Says::Change(chosen.len() - 1)));
        }
        for one in tried.iter().filter(|one| one.meant.contains(&spot)) {
            if let (Outcome::Refused(refusal), [key]) = (&one.outcome, one.change.keys())
                && self.governs(key, spot)?
            {
                return Ok(Some(Says::Refused(one.change.clone(), refusal.clone())));
            }
        }
        let found = &self.comparison.spots[spot];
        let file = &self.comparison.files[found.file];
        let end = file.base.text.len().saturating_sub(1);
        let line = file.base.line(found.at.old.start.min(end));
        let at = match file.base.pointer(line) {
            Some(pointer) => pointer.to_string(),
            None => format!("{LINE}{line}"),
        };
        let place = self.stand.rendered.place(&file.path, &at);
        let change = literal::changed(self.stand, file, found, &place).map(Change::Template);
        let Some(change) = change.filter(|_| self.may()) else {
            return Ok(Some(Says::Line {
                place,
                change: None,
            }));
        };
        let from = after.as_ref().unwrap_or(self.stand);
        let before = self.comparison.judge(from).0;
        let with = from.with(&change, &self.artifacts)?;
        let stand = with.and_then(Result::ok).filter(|stand| {
            let (says, _) = self.comparison.judge(stand);
            says.contains(&spot) && before.iter().all(|known| says.contains(known))
        });
        let may_write = matches!(&change, Change::Template(template) if own(&template.path));
        Ok(Some(match stand {
            Some(stand) if may_write => {
                *after = Some(stand);
                chosen.push(Chosen {
                    change,
                    instead: Vec::new(),
                    everywhere: false,
                });
                Says::Change(chosen.len() - 1)
            }
            fits => Says::Line {
                place,
                change: fits.map(|_| change),
            },
        }))
    }

    /// Whether a key says a place, seen by another value that is not refused.
    fn governs(&mut self, key: &KeyChange, spot: usize) -> Result<bool> {
        for word in others(&key.before) {
            if !self.may() {
                break;
            }
            let other = Change::Keys(vec![KeyChange {
                word: Some(word),
                ..key.clone()
            }]);
            if let Some(Ok(stand)) = self.stand.with(&other, &self.artifacts)? {
                return Ok(self.comparison.moved(&stand).contains(&spot));
            }
        }
        Ok(false)
    }

    /// Everything rendered with all changes.
    fn all(&self, chosen: &[Chosen]) -> Result<Option<Stand>> {
        let mut after: Option<Stand> = None;
        for (index, one) in chosen.iter().enumerate() {
            let artifacts = match index + 1 == chosen.len() {
                true => ARTIFACTS,
                // It is only read on the way.
                false => &[],
            };
            let from = after.as_ref().unwrap_or(self.stand);
            match from.with(&one.change, artifacts)? {
                Some(Ok(stand)) => after = Some(stand),
                _ => return Ok(None),
            }
        }
        Ok(after)
    }

    /// The places with their answers; those of one line, and of one answer, in one.
    fn told(&self, answers: Vec<Option<Says>>) -> Vec<Told> {
        let mut told: Vec<Told> = Vec::new();
        for (spot, says) in self.comparison.spots.iter().zip(answers) {
            let Some(says) = says else { continue };
            let file = &self.comparison.files[spot.file];
            let (line, text) = file.line(&spot.at);
            let (old, new) = file.said(&spot.at);
            let known = told.last().is_some_and(|last| {
                (&last.path, last.line, &last.old, &last.new) == (&file.path, line, &old, &new)
                    && last.says.same(&says)
            });
            if !known {
                told.push(Told {
                    path: file.path.clone(),
                    line,
                    text,
                    old,
                    new,
                    says,
                });
            }
        }
        told
    }
}

impl Says {
    /// Whether the same is said of two places.
    fn same(&self, other: &Says) -> bool {
        match (self, other) {
            (Says::Change(one), Says::Change(two)) => one == two,
            (Says::Several(one), Says::Several(two)) => one == two,
            (Says::Contradicted(one), Says::Contradicted(two)) => one == two,
            (Says::Without(one), Says::Without(two)) => one == two,
            (Says::Refused(one, _), Says::Refused(two, _)) => one == two,
            (Says::Line { place: one, .. }, Says::Line { place: two, .. }) => one == two,
            _ => false,
        }
    }
}

fn spelled(keys: Vec<Key>) -> Vec<(Key, Vec<Spelling>)> {
    keys.into_iter()
        .map(|key| {
            let spellings = spellings(&key.value);
            (key, spellings)
        })
        .collect()
}

/// Whether a part of a text is a word, and no part of a longer one.
fn is_word(text: &str, part: &Range<usize>) -> bool {
    let letter = |letter: Option<char>| letter.is_some_and(char::is_alphanumeric);
    let mut before = text[..part.start].chars().rev();
    let mut after = text[part.end..].chars();
    let (first, last) = (before.next(), after.next());
    let point = |at: Option<char>, beyond: Option<char>| {
        at == Some('.') && beyond.is_some_and(|digit| digit.is_ascii_digit())
    };
    !letter(first) && !letter(last) && !point(first, before.next()) && !point(last, after.next())
}

/// What stands in `place` of a text in which `old` is replaced by `new`; None: what is replaced goes beyond it, and is not the same
/// there.
fn within(text: &str, place: &Range<usize>, old: &Range<usize>, new: &str) -> Option<String> {
    let mut new = new;
    let mut before = "";
    let mut behind = "";
    if place.start <= old.start {
        before = &text[place.start..old.start];
    } else {
        new = new.strip_prefix(&text[old.start..place.start])?;
    }
    if old.end <= place.end {
        behind = &text[old.end..place.end];
    } else {
        new = new.strip_suffix(&text[place.end..old.end])?;
    }
    Some(format!("{before}{new}{behind}"))
}

/// Other values of a key that are probably taken.
fn others(value: &Value) -> Vec<String> {
    match value {
        Value::Number(number) => {
            let number = number.as_f64().unwrap_or_default();
            let other = [number * 0.9, number / 2.0, number + 1.0, number * 2.0];
            other.map(|number| number.to_string()).to_vec()
        }
        Value::String(text) => match Duration::parse(text) {
            Some(duration) => vec![
                Duration(duration.0 * 2).to_string(),
                Duration(duration.0 / 2).to_string(),
            ],
            None => vec![format!("{text}x")],
        },
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_the_place_of_a_value() {
        let text = "job:errors_5m > 0.1 of it";
        let read = |value: &str, old: &str, new: &str| {
            let place = |part: &str| {
                let start = text.find(part).unwrap();
                start..start + part.len()
            };
            within(text, &place(value), &place(old), new)
        };
        assert_eq!(read("0.1", "0.1", "0.15").as_deref(), Some("0.15"));
        assert_eq!(
            read("5m", "errors_5m", "errors_10m").as_deref(),
            Some("10m")
        );
        assert_eq!(read("5m", "errors_5m", "faults_10m"), None);
        assert_eq!(
            read("0.1 of it", "0.1", "0.2").as_deref(),
            Some("0.2 of it")
        );
        let word = |part: &str| {
            let start = text.find(part).unwrap();
            is_word(text, &(start..start + part.len()))
        };
        assert!(word("5m") && word("0.1") && !word("1") && !word("rrors"));
    }
}
