//! Time in words: what is shown is of now, of the time shown or of another time, as the panel says.

use super::panel::Panel;
use crate::catalog::Duration;
use crate::diagnostic::Diagnostic;
use crate::promql::token::T_LUNLESS;
use crate::promql::walk::{children, ranges, selectors};
use crate::promql::{Expr, Offset};
use crate::proofs::{false_text, panel_query, panel_unit, place};
use crate::stack::expressions::{Expression, Usage};
use std::time::Duration as Length;

/// Words by which people tell that something is of another time.
const EARLIER: [&str; 8] = [
    "ago",
    "before",
    "yesterday",
    "last",
    "previous",
    "earlier",
    "past",
    "offset",
];

/// Words by which people tell that something is of a longer time.
const LONG: [&str; 16] = [
    "hour",
    "day",
    "week",
    "month",
    "minutes",
    "long",
    "trend",
    "time shown",
    "over time",
    "since",
    "history",
    "average",
    "recent",
    "baseline",
    "usual",
    "window",
];

/// What is of so long a time is not of now.
const UNSAID: Length = Length::from_secs(3_600);

impl Panel<'_, '_> {
    /// What is shown as if it were now, and is of another time.
    pub(super) fn another_time_unsaid(&self) -> Option<Diagnostic> {
        let legends = self
            .queries
            .iter()
            .filter_map(|query| query.target["legendFormat"].as_str());
        let words: Vec<String> = [self.text("title"), self.text("description")]
            .into_iter()
            .chain(legends)
            .map(str::to_lowercase)
            .collect();
        let says = |text: &str| words.iter().any(|word| word.contains(text));
        if EARLIER.iter().any(|word| says(word)) {
            return None;
        }
        let help = "take it away, or say in the title of which time it is";
        for query in &self.queries {
            let mut offsets = Vec::new();
            looked_back(&query.ast, Default::default(), &mut offsets);
            if let Some(least) = offsets.iter().min().filter(|least| !least.is_zero()) {
                let message = format!(
                    "`{}` shows what was {} ago as if it were now",
                    self.text("title"),
                    Duration(least.as_millis() as u64)
                );
                return Some(place::on(query, message, help));
            }
        }
        let hidden = self.panel["hideTimeOverride"] == true;
        let key = ["timeShift", "timeFrom"].into_iter().find(|key| {
            hidden
                && self.panel[*key]
                    .as_str()
                    .is_some_and(|text| !text.is_empty() && !says(text))
        })?;
        let message = format!(
            "`{}` shows another time than the dashboard ({key} {}), and hides that it does",
            self.text("title"),
            self.text(key)
        );
        Some(self.wrong(key, message, help))
    }

    /// What is shown of a longer time than the last minutes says so: of it, an outage is a small part, or is long over.
    pub(super) fn long_time_unsaid(&self) -> Option<Diagnostic> {
        let legends = self
            .queries
            .iter()
            .map(|query| &query.target["legendFormat"]);
        let words = legends.fold(self.words.clone(), |words, legend| {
            words + " " + &legend.as_str().unwrap_or_default().to_lowercase()
        });
        if LONG.iter().chain(&EARLIER).any(|word| words.contains(word)) {
            return None;
        }
        self.queries.iter().find_map(|query| {
            let long = ranges(&query.ast).into_iter();
            let mut long = long.filter(|range| *range >= UNSAID);
            let range = long.find(|range| {
                let text = Duration(range.as_millis() as u64).to_string();
                query.written.contains(&format!("[{text}")) && !words.contains(&text)
            })?;
            let message = format!(
                "`{}` is of {}, and does not say so",
                self.text("title"),
                Duration(range.as_millis() as u64)
            );
            let help = "write `$__rate_interval`, or say in the title of which time it is";
            Some(place::on(query, message, help))
        })
    }

    /// What is said to be of the last day is asked of a day: by its window, or by the time that is shown.
    pub(super) fn another_time_said(&self) -> Option<Diagnostic> {
        let words = &self.words;
        let times = ["last", "past", "within"];
        if !times.iter().any(|time| words.contains(time)) {
            return None;
        }
        let said = false_text::looked_back(words)?;
        let own = self.queries.iter().flat_map(|query| ranges(&query.ast));
        let mut known: Vec<Duration> = own
            .map(|range| Duration(range.as_millis() as u64))
            .collect();
        known.extend(panel_query::shown(&self.file.value));
        known.extend(Duration::parse(self.text("timeFrom")));
        if let Some(message) = self.asks_the_time_shown(said) {
            let help = "write `in the time shown`, or ask for that time";
            return Some(self.wrong("description", message, help));
        }
        // What is recorded has a window of its own, and so has what a subquery goes through.
        let others = self.queries.iter().any(|query| {
            let read = selectors(&query.ast).into_iter();
            let mut names = read.filter_map(|selector| selector.name.as_deref());
            names.any(|name| name.contains(':')) || query.written.contains("__range")
        });
        if others || self.queries.is_empty() || known.contains(&said) {
            return None;
        }
        let message = format!(
            "`{}` says that it is of {said}, and nothing that it asks looks back so far",
            self.text("title")
        );
        let help = "say of which time it is, or let the query look back so far";
        Some(self.wrong("description", message, help))
    }

    /// A time that is named where the one that is shown is asked for: whoever looks at a day reads it as one of that hour.
    fn asks_the_time_shown(&self, said: Duration) -> Option<String> {
        let ranged = self.queries.iter().any(|query| {
            let [open, braced] = ["[$__range", "[${__range"];
            query.written.contains(open) || query.written.contains(braced)
        });
        let also = ["time shown", "time range", "selected"];
        if !ranged || also.iter().any(|also| self.words.contains(also)) {
            return None;
        }
        let looks_back = |query: &&Expression| {
            let own = query.written.contains(&format!("[{said}"));
            let read = selectors(&query.ast).into_iter();
            let mut names = read.filter_map(|selector| selector.name.as_deref());
            own || names.any(|name| {
                let mut recorded = self.stack.used(Usage::Record);
                recorded.any(|rule| {
                    let long = |range: Length| Duration(range.as_millis() as u64) == said;
                    rule.owner["record"] == name && ranges(&rule.ast).into_iter().any(long)
                })
            })
        };
        let pinned = Duration::parse(self.text("timeFrom")) == Some(said);
        (!pinned && !self.queries.iter().any(looks_back)).then(|| {
            format!(
                "`{}` says that it is of {said}, and is of the time that is shown, whatever that is",
                self.text("title")
            )
        })
    }

    /// What is counted per second is not said to be per minute.
    pub(super) fn another_pace_said(&self) -> Option<Diagnostic> {
        let unit = self.panel["fieldConfig"]["defaults"]["unit"].as_str()?;
        if !panel_unit::per_second(unit) {
            return None;
        }
        ["title", "description"].into_iter().find_map(|key| {
            let words = self.text(key).to_lowercase();
            let says = |pace: &&&str| words.contains(&format!("per {pace}"));
            let pace = ["minute", "hour", "day"].iter().find(says)?;
            if words.contains("per second") || words.contains("a second") {
                return None;
            }
            let message = format!(
                "`{}` says per {pace}, and its unit `{unit}` is per second",
                self.text("title")
            );
            Some(self.wrong(
                key,
                message,
                "say per second, or count per minute and say it in the unit",
            ))
        })
    }

    /// What is said of the time that is shown is asked of all of it.
    pub(super) fn part_of_the_time_shown(&self) -> Option<Diagnostic> {
        let words = &self.words;
        let says = [
            "in the time shown",
            "over the time shown",
            "during the time shown",
            "of the time shown",
        ];
        if !says.iter().any(|says| words.contains(says)) {
            return None;
        }
        // A range of its own is that of the text where the text names one too.
        let ranged = |query: &Expression| query.written.contains("__range");
        if !self.queries.iter().any(|query| ranged(query)) {
            let fixed = self.queries.iter().find_map(|query| {
                let counted = ["increase", "changes", "resets", "_over_time"];
                let mut ends = query.written.match_indices(']').map(|(at, _)| at);
                ends.find_map(|end| {
                    let start = query.written[..end].rfind('[')?;
                    let range = &query.written[start + 1..end];
                    let function = &query.written[..start];
                    let function = function[..function.rfind('(')?].trim_end();
                    let own = range.starts_with(|c: char| c.is_ascii_digit())
                        && !range.contains(':')
                        && !words.contains(range);
                    let counts = counted.iter().any(|known| function.ends_with(known));
                    (own && counts).then_some((query, range))
                })
            });
            if let Some((query, range)) = fixed {
                let message = format!(
                    "`{}` is of the time shown, and this is of {range}",
                    self.text("title")
                );
                return Some(place::on(query, message, "write `$__range`"));
            }
        }
        let query = self.queries.iter().find(|query| {
            let counts =
                query.written.contains("increase(") || query.written.contains("_over_time(");
            let short = ["$__rate_interval", "${__rate_interval}", "$__interval]"];
            query.target["instant"] == true
                && counts
                && !query.written.contains("__range")
                && short.iter().any(|short| query.written.contains(short))
        })?;
        let message = format!(
            "`{}` is of the time shown, and this is of its end alone",
            self.text("title")
        );
        Some(place::on(query, message, "write `$__range`"))
    }

    /// What begins is looked for as often as it is compared with before.
    pub(super) fn beginnings_stepped_over(&self) -> Option<Diagnostic> {
        self.queries.iter().find_map(|query| {
            let mut gaps = Vec::new();
            steps_and_gaps(&query.ast, &mut gaps);
            let (step, back) = gaps.into_iter().find(|(step, back)| step > back)?;
            let long = |time: Length| Duration(time.as_millis() as u64);
            let message = format!(
                "`{}` looks every {} for what is different from {} before: most of it is missed",
                self.text("title"),
                long(step),
                long(back)
            );
            Some(place::on(query, message, "let the step be the offset"))
        })
    }
}

/// Each subquery that looks for what was not there before: its step, and how far before.
fn steps_and_gaps(expr: &Expr, found: &mut Vec<(Length, Length)>) {
    fn before(expr: &Expr) -> Option<Length> {
        match expr {
            Expr::Paren(paren) => before(&paren.expr),
            Expr::Binary(binary) if binary.op.id() == T_LUNLESS => {
                let mut back = Vec::new();
                looked_back(&binary.rhs, Default::default(), &mut back);
                back.into_iter().min().filter(|back| !back.is_zero())
            }
            Expr::Binary(binary) => before(&binary.lhs).or_else(|| before(&binary.rhs)),
            Expr::Aggregate(aggregate) => before(&aggregate.expr),
            _ => None,
        }
    }
    if let Expr::Subquery(subquery) = expr
        && let Some(step) = subquery.step
    {
        found.extend(before(&subquery.expr).map(|back| (step, back)));
    }
    children(expr).for_each(|inside| steps_and_gaps(inside, found));
}

/// How far back each selector looks from the time that is shown; one that looks ahead, or is pinned to an instant, is now.
pub(super) fn looked_back(expr: &Expr, around: Length, found: &mut Vec<Length>) {
    let back = |offset: &Option<Offset>, pinned: bool| match offset {
        _ if pinned => Default::default(),
        Some(Offset::Pos(offset)) => around + *offset,
        _ => around,
    };
    match expr {
        Expr::VectorSelector(selector) => found.push(back(&selector.offset, selector.at.is_some())),
        Expr::MatrixSelector(matrix) => found.push(back(&matrix.vs.offset, matrix.vs.at.is_some())),
        Expr::Subquery(subquery) => looked_back(
            &subquery.expr,
            back(&subquery.offset, subquery.at.is_some()),
            found,
        ),
        _ => children(expr).for_each(|inside| looked_back(inside, around, found)),
    }
}
