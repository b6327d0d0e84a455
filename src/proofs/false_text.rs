//! What an alert says of itself is so.

use super::{Check, Example, Proof, place};
use crate::artifacts::RULES;
use crate::catalog::{Alert, Duration, Scope};
use crate::evaluation::steady::read;
use crate::kinds::Side;
use crate::promql::engine::metric;
use crate::promql::matchers::picks;
use crate::promql::number::number;
use crate::promql::token::{T_DIV, T_LAND, T_LUNLESS, T_MUL};
use crate::promql::walk::{children, selectors};
use crate::promql::{BinaryExpr, Expr, returns_bool};
use crate::stack::Stack;
use crate::value::{Value, to_value};
use regex_automata::meta::{Config, Regex};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

pub(crate) const PROOF: Proof = Proof {
    code: "false-text",
    doc: "Whoever is woken reads the text and not the rule: another window, the answers of another class, or the opposite of what is compared sends him the wrong way. How it is said is free.",
    example: Example::Rendered {
        role: RULES,
        pointer: "/groups/*/rules/alert=Errors/annotations/description",
        bad: "\"{{ $value | humanizePercentage }} of the requests failed in the last 3h.\"",
    },
    check: Check::Stack(|stack| {
        let mut found = Vec::new();
        let mut summaries: BTreeMap<(&str, &str), &str> = BTreeMap::new();
        for (file, pointer, rule) in stack.files.alerts() {
            let name = rule["alert"].as_str().unwrap_or_default();
            let own = file.is_own();
            let texts = Texts {
                stack,
                name,
                rule,
                alert: stack.catalog.alert(name).filter(|_| !own),
                own,
            };
            if texts.alert.is_none()
                && !own
                && let Some(summary) = rule["annotations"]["summary"].as_str()
                && let Some(other) = summaries
                    .insert((&file.path, summary), name)
                    .filter(|other| *other != name)
            {
                found.push(place::at(
                    &file.path,
                    format!("{pointer}/annotations/summary"),
                    format!("`{name}` says of itself what `{other}` says"),
                    "write what this alert is about",
                ));
            }
            for (key, text) in ["summary", "description"]
                .into_iter()
                .filter_map(|key| Some((key, rule["annotations"][key].as_str()?)))
            {
                found.extend(
                    texts
                        .false_claims(key, text)
                        .into_iter()
                        .map(|(message, help)| {
                            place::at(
                                &file.path,
                                format!("{pointer}/annotations/{key}"),
                                message,
                                help,
                            )
                        }),
                );
            }
        }
        found
    }),
};

/// How a time is written: `5m`, `2 hours`, `a day`.
const TIME: &str =
    r"((?:[0-9]+(?:ms|[smhdwy]))+|(?:[0-9]+|an?|one)\s+(?:second|minute|hour|day|week)s?)\b";

/// A time that something is said to have been looked at for: `within 5m`, `in the last hour`.
static LOOKED_BACK: LazyLock<Regex> = LazyLock::new(|| {
    let last = r"(?:in|over|of|during) the (?:last|past)\s+(second|minute|hour|day|week)\b";
    let within = r"(?:within|(?:in|over|of|during) the (?:last|past))";
    pattern(&format!(r"\b(?:{within}\s+{TIME}|{last})"))
});

/// A time in words, as people write it in a sentence: `ten minutes`, `half an hour`.
const SPOKEN: &str = r"((?:[0-9]+(?:ms|[smhdwy]))+|(?:[0-9]+|an?|one|two|three|four|five|six|seven|eight|nine|ten|twelve|fifteen|twenty|thirty|forty|forty-five|sixty|ninety|half an?)\s+(?:second|minute|hour|day|week)s?)\b";

/// The times over which a sentence says that something has happened: `in the last ten minutes`, `have failed within 5m`.
static HAPPENED: LazyLock<Regex> = LazyLock::new(|| {
    let last = format!(
        r"\b(?:in|within|over|of|during|for)\s+the\s+(?:last|past)\s+(?:{SPOKEN}|(second|minute|hour|day|week)\b)"
    );
    let done = r"\b(?:has|have|had|was|were)\s+(?:\w+\s+){1,4}?(?:in|within|over|during)";
    pattern(&format!(r"(?:{last}|{done}\s+{SPOKEN})"))
});

/// What may or must be done, or may come, says nothing of what was.
static ADVICE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(?:if|unless|when|until|whether|will|would|must|should|shall|can|could|may|might|please|not|never)\b",
    )
});

/// Times that differ by less may be rounded, as a day for 26 hours.
const FAR: u64 = 2;

/// The times that each clause of a text says it is about.
fn told(text: &str) -> Vec<Duration> {
    claimed(&HAPPENED, text)
}

/// The times that a pattern finds in the clauses of a text that say what was.
fn claimed(pattern: &Regex, text: &str) -> Vec<Duration> {
    let clauses = text.split(['.', ';', ':', '!', '?', '(', ')']);
    let clauses = clauses.filter(|clause| !ADVICE.is_match(clause.as_bytes()));
    clauses
        .flat_map(|clause| groups(pattern, clause))
        .filter_map(spoken)
        .collect()
}

/// Whether a time is about one of those that are known.
fn near(said: Duration, known: &BTreeSet<Duration>) -> bool {
    let mut known = known.iter().filter(|known| known.0 > 0);
    known.any(|known| said.0 < known.0 * FAR && known.0 < said.0 * FAR)
}

/// `for at least ten minutes`.
static FOR_SO_LONG: LazyLock<Regex> = LazyLock::new(|| {
    let about = r"(?:(?:at least|more than|over|about|longer than|the (?:last|past))\s+)?";
    pattern(&format!(r"\bfor\s+{about}{SPOKEN}"))
});

/// `within 5m`.
static WITHIN: LazyLock<Regex> = LazyLock::new(|| pattern(&format!(r"\bwithin\s+{SPOKEN}")));

/// The numbers than which a text says there are more, or less; of a share, a time, a size or a rate it speaks otherwise.
fn counted(text: &str) -> Vec<f64> {
    let all = MORE_THAN
        .captures_iter(text.as_bytes())
        .filter_map(|captures| {
            let group = |index| captures.get_group(index).map(|span| &text[span.range()]);
            let (number, next) = (group(1)?, group(2)?);
            let counts = next.chars().count() > 3 && !NO_COUNT.is_match(next.as_bytes());
            let word = NUMBERS
                .iter()
                .find(|(word, _)| *word == number.to_lowercase());
            let said = word.map(|(_, number)| *number as f64);
            let said = said.or_else(|| number.replace(',', "").parse().ok());
            said.filter(|_| counts)
        });
    all.collect()
}

/// `more than 10 crashes`: the number, and the word behind it.
static MORE_THAN: LazyLock<Regex> = LazyLock::new(|| {
    let words: Vec<&str> = NUMBERS.iter().map(|(word, _)| *word).collect();
    let number = format!(r"([0-9][0-9,]*(?:\.[0-9]+)?|{})", words.join("|"));
    pattern(&format!(r"\b(?:more|less|fewer) than {number} ([a-z]+)\b"))
});

/// Words behind a number that is not one of a count.
static NO_COUNT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^(?:percent|(?:milli|micro|nano)?seconds?|msecs?|secs?|minutes?|mins?|hours?|days?|weeks?|months?|years?|(?:[kmgt]i?|kilo|mega|giga|tera|kibi|mebi|gibi|tebi)?(?:bytes?|bits?)|times|thousands?|millions?|billions?|degrees?|celsius|volts?|amps?|watts?|cores?|points?|each|every|dozens?|standard|deviations?|sigmas?)$",
    )
});

/// Whether an expression compares with the time of day, or with what is now.
fn asks_the_time(expr: &Expr) -> bool {
    let asks = matches!(expr, Expr::Call(call)
        if call.args.args.is_empty() || matches!(call.func.name, "timestamp" | "hour" | "day_of_week"));
    asks || children(expr).any(asks_the_time)
}

/// `ten minutes`, `half an hour`, `5m`.
fn spoken(text: &str) -> Option<Duration> {
    let lower = text.to_lowercase();
    if let Some(unit) = lower.strip_prefix("half a") {
        let unit = unit.trim_start_matches('n').trim();
        return meant(unit).map(|whole| Duration(whole.0 / 2));
    }
    let (count, unit) = lower
        .split_once(char::is_whitespace)
        .unwrap_or(("", &lower));
    match NUMBERS.iter().find(|(word, _)| *word == count) {
        Some((_, number)) => meant(&format!("{number} {}", unit.trim())),
        None => meant(&lower),
    }
}

/// Numbers as words.
const NUMBERS: [(&str, u64); 17] = [
    ("two", 2),
    ("three", 3),
    ("four", 4),
    ("five", 5),
    ("six", 6),
    ("seven", 7),
    ("eight", 8),
    ("nine", 9),
    ("ten", 10),
    ("twelve", 12),
    ("fifteen", 15),
    ("twenty", 20),
    ("thirty", 30),
    ("forty", 40),
    ("forty-five", 45),
    ("sixty", 60),
    ("ninety", 90),
];

/// A time for which something is said to have been so: `for 5m`.
static LASTED: LazyLock<Regex> = LazyLock::new(|| pattern(&format!(r"\bfor\s+{TIME}")));

/// In which time there are as many as the value before it says: ` errors a minute`.
static PACE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"^\s+(?:[a-z-]+\s+){0,4}?(?:per|an?|each|every)\s+(second|minute|hour|day)\b")
});

/// A time at which something is said to have been otherwise: `1d ago`.
static AGO: LazyLock<Regex> = LazyLock::new(|| pattern(&format!(r"\b{TIME}\s+ago\b")));

/// Which quantile is spoken of: `quantile 0.99`, `p99`.
static QUANTILE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\b(?:quantile\s+(0?\.[0-9]+)|p([0-9]{2,3}))\b"));

/// Which objective is spoken of: `an objective of 99.9 %`.
static OBJECTIVE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\bobjective(?: of)?\s+([0-9.]+)\s*%"));

/// A share that something is said to be beyond: `above 80 %`, `less than 5 percent`.
const SHARE: &str = r"(?:above|over|beyond|below|under|exceeds?|(?:more|less|fewer) than|at (?:least|most))\s+([0-9]+(?:\.[0-9]+)?)\s*(?:%|percent)";

static BEYOND: LazyLock<Regex> = LazyLock::new(|| pattern(&format!(r"\b{SHARE}")));

/// The same of when an alert fires.
pub(super) static FIRES_BEYOND: LazyLock<Regex> =
    LazyLock::new(|| pattern(&format!(r"\bfires\s+(?:\w+\s+){{0,4}}?{SHARE}")));

/// In percent, the thresholds of an alert that compares a ratio.
fn shares(alert: &Alert) -> Vec<f64> {
    let limits = alert.branches.iter();
    let limits = limits.filter_map(|branch| branch.above.or(branch.below));
    let mut all: Vec<f64> = limits.map(|limit| rounded(100.0 * limit)).collect();
    all.dedup();
    all
}

fn rounded(value: f64) -> f64 {
    (value * 1e9).round() / 1e9
}

/// A share of which a text speaks, and that is none of the alert's.
pub(super) fn other_share(alert: &Alert, pattern: &Regex, text: &str) -> Option<f64> {
    let limits = shares(alert);
    if alert.unit.as_deref() != Some("ratio") || limits.is_empty() {
        return None;
    }
    // An alert may say what it is of too: a quantile, an objective.
    let own = to_value(alert.slo.as_deref()).unwrap_or_default();
    let settings = Value::Object(alert.settings.clone());
    let mut known = Vec::new();
    numbers(&own, &mut known);
    numbers(&settings, &mut known);
    let near = |one: f64, other: f64| (one - other).abs() < 1e-9;
    let is_known = |said: f64| {
        limits.iter().any(|limit| near(*limit, said))
            || known
                .iter()
                .any(|known| near(*known, said) || near(rounded(100.0 * known), said))
    };
    let mut said = groups(pattern, text).filter_map(|said| said.parse::<f64>().ok());
    said.find(|said| !is_known(*said))
}

/// Every number of a part of the catalog.
fn numbers(value: &Value, found: &mut Vec<f64>) {
    match value {
        Value::Number(number) => found.extend(number.as_f64()),
        Value::Array(items) => items.iter().for_each(|item| numbers(item, found)),
        Value::Object(_) => value.entries().for_each(|(_, value)| numbers(value, found)),
        _ => {}
    }
}

fn pattern(text: &str) -> Regex {
    // The texts are short: what looks ahead for words takes longer to build than it saves.
    let config = Config::new().auto_prefilter(false);
    let pattern = Regex::builder()
        .configure(config)
        .build(&format!("(?i-u){text}"));
    pattern.expect("it is a pattern")
}

/// A class of answers.
pub(super) static CLASS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?i-u)\b([1-5])xx\b").expect("it is a pattern"));

/// A duration as Prometheus writes it.
static DURATION: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^(?:[0-9]+(?:ms|[smhdwy]))+$").expect("it is a pattern"));

struct Texts<'a, 's> {
    stack: &'a Stack<'s>,
    name: &'a str,
    rule: &'a Value,
    alert: Option<&'a Alert>,
    /// Whether it is a rule of the user's files.
    own: bool,
}

type Wrong = (String, &'static str);

/// What a rule compares with, and its times.
#[derive(Default)]
struct Compared {
    numbers: Vec<f64>,
    /// How far it looks back.
    windows: BTreeSet<Duration>,
    /// How long it waits.
    waits: BTreeSet<Duration>,
}

impl Texts<'_, '_> {
    fn false_claims(&self, key: &str, text: &str) -> Vec<Wrong> {
        // What the catalog itself says is its own; what is filled in is no claim of the text.
        let said = self.alert.and_then(|alert| match key {
            "summary" => alert.summary.as_ref(),
            _ => alert.description.as_ref(),
        });
        let pace = self.at_another_pace(text);
        if said.is_some() || self.own {
            // How urgent it is, and from when on, it says of this alert all the same.
            let text = without_placeholders(text);
            let mut found: Vec<Wrong> = Vec::new();
            // What stands further down may be advice, or an example.
            let sentences = text.split(['.', '!', '?', '\n']);
            let alone = || sentences.filter(|one| one.contains(' ')).count() == 1;
            if key == "summary" || self.own && alone() {
                found.extend(self.of_another_share(&text));
                found.extend(self.of_another_count(&text));
                found.extend(self.far_from_its_times(&text));
            }
            found.extend(self.of_another_severity(&text));
            found.extend(self.far_from_its_window(&text));
            found.extend(pace);
            return found;
        }
        let mut found: Vec<Wrong> = Vec::new();
        found.extend(self.of_nobody(key, text));
        found.extend(self.bare_seconds(text));
        let text = without_placeholders(text);
        found.extend(self.of_another_number(&text));
        found.extend(self.of_another_share(&text));
        found.extend(self.of_another_severity(&text));
        found.extend(self.opposite(&text));
        found.extend(self.of_another_time(&text));
        found.extend(self.of_another_class(&text));
        found.extend(pace);
        found
    }

    /// Words that the kind must not say; the names of what it reads may hold them.
    fn opposite(&self, text: &str) -> Option<Wrong> {
        let alert = self.alert?;
        let kind = &alert.kind.never_says;
        let of_side = match alert.side {
            Side::Above => &kind.above,
            Side::Below => &kind.below,
        };
        let text = text.to_lowercase();
        let names = self.names(alert);
        let mut words = kind.always.iter().chain(of_side);
        let word = words.find(|word| holds(&text, word) && !names.contains(word.as_str()))?;
        Some((
            format!(
                "`{}` says `{word}`, and fires when that is not so",
                self.name
            ),
            "write what is the matter when it fires",
        ))
    }

    /// What the alert reads and how it is called, as a text would write it.
    fn names(&self, alert: &Alert) -> String {
        let settings = alert.settings.values().filter_map(Value::as_str);
        let names = settings.chain([self.name]);
        let names: Vec<String> = names
            .map(|name| name.replace(['_', '-'], " ").to_lowercase())
            .collect();
        names.join(" ")
    }

    /// How far back, or for how long, a text says that something was so.
    fn of_another_time(&self, text: &str) -> Option<Wrong> {
        let alert = self.alert?;
        let mut windows = BTreeSet::new();
        windows.extend(alert.branches.iter().filter_map(|branch| branch.window));
        let own = to_value(alert.slo.as_deref()).unwrap_or_default();
        durations(&own, &mut windows);
        durations(&Value::Object(alert.settings.clone()), &mut windows);
        let mut lasting = windows.clone();
        lasting.extend(alert.branches.iter().map(|branch| branch.r#for));
        let back = alert.kind.reads_back.as_ref();
        let back = back.and_then(|key| Duration::parse(alert.settings.get(key)?.as_str()?));
        let claims = [
            (&*LOOKED_BACK, windows, "that it looks back"),
            (&*LASTED, lasting, "that it was so for"),
            (&*AGO, back.into_iter().collect(), "what was"),
        ];
        for (pattern, known, claim) in claims {
            let mut said = groups(pattern, text).filter_map(meant);
            let wrong = said.find(|said| !known.is_empty() && !known.contains(said));
            if let Some(said) = wrong {
                let known: Vec<String> = known.iter().map(Duration::to_string).collect();
                let message = format!(
                    "`{}` says {claim} {said}, which is {}",
                    self.name,
                    known.join(" or ")
                );
                return Some((
                    message,
                    "write the alert's own time, such as `alert.window`",
                ));
            }
        }
        None
    }

    /// In the catalog's own words, over which time something is said to have been so, where that is far from all of the alert's times.
    fn far_from_its_window(&self, text: &str) -> Option<Wrong> {
        let alert = self.alert?;
        // What an expression looks back over it says itself.
        let windows = alert.branches.iter().filter_map(|branch| branch.window);
        let windows: BTreeSet<Duration> = windows.collect();
        if windows.is_empty() || alert.expression().is_some() || alert.kind.counts_down {
            return None;
        }
        let mut known = windows.clone();
        known.extend(alert.branches.iter().map(|branch| branch.r#for));
        known.extend(alert.keep_firing_for);
        durations(&Value::Object(alert.settings.clone()), &mut known);
        let own = to_value(alert.slo.as_deref()).unwrap_or_default();
        durations(&own, &mut known);
        let limits = alert.branches.iter().filter_map(|branch| branch.limit());
        let seconds = alert.unit.as_deref() == Some("seconds");
        let limits = limits.filter(|(_, limit)| seconds && *limit > 0.0);
        known.extend(limits.map(|(_, limit)| Duration((1000.0 * limit) as u64)));
        let said = told(text).into_iter().find(|said| !near(*said, &known))?;
        let windows: Vec<String> = windows.iter().map(Duration::to_string).collect();
        let message = format!(
            "`{}` says that it looks back {said}, which is {}",
            self.name,
            windows.join(" or ")
        );
        Some((message, "write the alert's own window, or none"))
    }

    /// For how long, or within what time, a summary says that something was so, where that is far from all times of the rule.
    fn far_from_its_times(&self, text: &str) -> Option<Wrong> {
        if self.alert.is_some_and(|alert| alert.kind.counts_down) {
            return None;
        }
        let compared = self.compared()?;
        // A time that is compared is a number of seconds.
        let seconds = compared.numbers.iter();
        let seconds = seconds.map(|number| Duration((1000.0 * number) as u64));
        let mut windows = compared.windows;
        windows.extend(seconds);
        let mut lasting = windows.clone();
        lasting.extend(compared.waits);
        // The catalog's own words of a window are looked at as what they are.
        let happened = match self.own {
            true => lasting.clone(),
            false => BTreeSet::new(),
        };
        let claims = [
            (&*FOR_SO_LONG, lasting),
            (&*WITHIN, windows),
            (&*HAPPENED, happened),
        ];
        claims.into_iter().find_map(|(pattern, known)| {
            let mut said = claimed(pattern, text).into_iter();
            let said = said.find(|said| !known.is_empty() && !near(*said, &known))?;
            let known: Vec<String> = known.iter().map(Duration::to_string).collect();
            let message = format!(
                "`{}` says {said}, which is {}",
                self.name,
                known.join(" or ")
            );
            Some((message, "write the alert's own time, or none"))
        })
    }

    /// More or less than a number that the rule does not compare with.
    fn of_another_count(&self, text: &str) -> Option<Wrong> {
        // A text may say in other units what is compared in one.
        if self.alert.is_some_and(|alert| alert.unit.is_some()) {
            return None;
        }
        let Compared {
            numbers, windows, ..
        } = self.compared()?;
        // What is so many a second is more within a window, a minute, an hour or a day.
        let windows = windows.iter().map(|window| window.0 as f64 / 1000.0);
        let times: Vec<f64> = windows.chain([1.0, 60.0, 3600.0, 86400.0]).collect();
        let known: Vec<f64> = numbers
            .iter()
            .flat_map(|number| times.iter().map(move |time| number * time))
            .collect();
        // At least 3 are more than 2.
        let is_known = |said: f64| known.iter().any(|known| (known - said).abs() <= 1.0);
        let said = counted(text).into_iter().find(|said| !is_known(*said))?;
        let message = format!(
            "`{}` says {said}, with which it compares nothing",
            self.name
        );
        Some((message, "write the alert's own threshold, or none"))
    }

    /// The numbers of the rule, and its times. None: it reads what another records, or the time of day, and means others.
    fn compared(&self) -> Option<Compared> {
        let mut compared = Compared::default();
        match self.alert.filter(|alert| alert.expression().is_none()) {
            Some(alert) => {
                let settings = Value::Object(alert.settings.clone());
                numbers(&settings, &mut compared.numbers);
                durations(&settings, &mut compared.windows);
                for branch in &alert.branches {
                    let limit = branch.limit().map(|(_, limit)| limit);
                    compared.numbers.extend(limit);
                    compared.windows.extend(branch.window);
                    compared.waits.insert(branch.r#for);
                }
                compared.waits.extend(alert.keep_firing_for);
            }
            None => {
                let expr = self
                    .stack
                    .contract
                    .parse(self.rule["expr"].as_str()?)
                    .ok()?;
                // What it reads of other rules it says of itself too.
                let mut spans = Vec::new();
                let mut open: Vec<&Expr> = vec![&expr];
                let mut seen = BTreeSet::new();
                while let Some(expr) = open.pop() {
                    if asks_the_time(expr) {
                        return None;
                    }
                    read(expr, &mut compared.numbers, &mut spans);
                    for name in selectors(expr).into_iter().filter_map(metric) {
                        if self.stack.contract.recorded(name).is_none() || !seen.insert(name) {
                            continue;
                        }
                        let recorded = self.recorded(name);
                        if !self.own || recorded.is_empty() {
                            return None;
                        }
                        open.extend(recorded);
                    }
                }
                let spans = spans
                    .into_iter()
                    .filter_map(|span| u64::try_from(span).ok());
                compared.windows.extend(spans.map(Duration));
                let waits = ["for", "keep_firing_for"].map(|key| self.rule[key].as_str());
                let waits = waits.into_iter().flatten();
                compared.waits.extend(waits.filter_map(Duration::parse));
            }
        }
        Some(compared)
    }

    /// The expressions of the rules that record under a name.
    fn recorded(&self, name: &str) -> Vec<&Expr> {
        let rules = self.stack.rules.iter().map(|loaded| &loaded.rule);
        let rules = rules.filter(|rule| rule.alert.is_none() && rule.name == name);
        rules.map(|rule| rule.expr.as_ref()).collect()
    }

    /// How long it takes, in seconds, for as many as the value says; None: it is no pace, or nobody knows which.
    fn pace(&self, expr: &Expr) -> Option<f64> {
        match expr {
            Expr::Paren(inner) => self.pace(&inner.expr),
            Expr::Aggregate(aggregate) => {
                let op = aggregate.op.to_string();
                let kept = ["sum", "min", "max", "avg", "topk", "bottomk"];
                self.pace(&aggregate.expr)
                    .filter(|_| kept.contains(&op.as_str()))
            }
            Expr::Call(call) => {
                let first = call.args.args.first()?;
                match call.func.name {
                    "rate" | "irate" => Some(1.0),
                    "increase" => match &**first {
                        Expr::MatrixSelector(matrix) => Some(matrix.range.as_secs_f64()),
                        _ => None,
                    },
                    "label_replace" | "clamp_min" | "clamp_max" | "abs" => self.pace(first),
                    _ => None,
                }
            }
            Expr::Binary(binary) => {
                let (left, right) = (&*binary.lhs, &*binary.rhs);
                match (binary.op.id(), number(left), number(right)) {
                    (T_LAND | T_LUNLESS, ..) => self.pace(left),
                    (T_MUL, None, Some(by)) => Some(self.pace(left)? * by),
                    (T_MUL, Some(by), None) => Some(self.pace(right)? * by),
                    (T_DIV, None, Some(by)) => Some(self.pace(left)? / by),
                    (_, None, Some(_)) if is_filter(binary) => self.pace(left),
                    (_, Some(_), None) if is_filter(binary) => self.pace(right),
                    _ => None,
                }
            }
            Expr::VectorSelector(read) => match self.recorded(metric(read)?).as_slice() {
                [one] => self.pace(one),
                _ => None,
            },
            _ => None,
        }
    }

    /// So many a second or a minute, of a value that is so many in another time.
    fn at_another_pace(&self, text: &str) -> Option<Wrong> {
        let mut actions = text.split("{{").filter_map(|part| part.split_once("}}"));
        let said = actions.find_map(|(action, after)| {
            let is_value = action.contains("$value");
            groups(&PACE, after).next().filter(|_| is_value)
        })?;
        let seconds = [
            ("second", 1.0),
            ("minute", 60.0),
            ("hour", 3600.0),
            ("day", 86400.0),
        ];
        let (_, wanted) = seconds.into_iter().find(|(unit, _)| *unit == said)?;
        let expr = self
            .stack
            .contract
            .parse(self.rule["expr"].as_str()?)
            .ok()?;
        let pace = self.pace(&expr)?;
        let same = (pace - wanted).abs() <= 0.02 * wanted;
        (!same).then(|| {
            let time = Duration((1000.0 * pace) as u64);
            (
                format!("`{}` says how many there are in a {said}, and its value is how many there are in {time}", self.name),
                "multiply the rate by the seconds of that time, or say the time that it is of",
            )
        })
    }

    /// Another quantile, or another objective, than the alert's.
    fn of_another_number(&self, text: &str) -> Option<Wrong> {
        let alert = self.alert?;
        let help = "write the alert's own";
        let mut settings = alert.settings.iter();
        let quantile = settings.find(|(key, _)| alert.kind.is_quantile(key));
        if let Some(quantile) = quantile.and_then(|(_, value)| value.as_f64()) {
            // p99 and p999 are 0.99 and 0.999.
            let said = groups(&QUANTILE, text).filter_map(|said| match said.contains('.') {
                true => said.parse::<f64>().ok(),
                false => format!("0.{said}").parse().ok(),
            });
            let mut wrong = said.filter(|said| (said - quantile).abs() > 1e-9);
            if let Some(said) = wrong.next() {
                let message = format!(
                    "`{}` speaks of the quantile {said}, and compares {quantile}",
                    self.name
                );
                return Some((message, help));
            }
        }
        let objective = alert.slo.as_ref()?.objective;
        let said = groups(&OBJECTIVE, text).filter_map(|said| said.parse::<f64>().ok());
        let mut wrong = said.filter(|said| (said - objective).abs() > 1e-9);
        let said = wrong.next()?;
        let message = format!(
            "`{}` speaks of an objective of {said} %, which is {objective} %",
            self.name
        );
        Some((message, help))
    }

    /// Another share than that from which on it fires.
    fn of_another_share(&self, text: &str) -> Option<Wrong> {
        let alert = self.alert?;
        let said = other_share(alert, &BEYOND, text)?;
        let shares = shares(alert);
        let shares: Vec<String> = shares.iter().map(|share| format!("{share} %")).collect();
        Some((
            format!(
                "`{}` says {said} %, and fires at {}",
                self.name,
                shares.join(" or ")
            ),
            "write the alert's own threshold, or none",
        ))
    }

    /// A severity in front of the text, or in brackets, which the alert never has.
    fn of_another_severity(&self, text: &str) -> Option<Wrong> {
        let alert = self.alert?;
        let text = text.trim().to_lowercase();
        let mut known = self.stack.catalog.severities.names();
        let said = known.find(|name| {
            let lower = name.to_lowercase();
            let marked = [
                format!("({lower})"),
                format!("[{lower}]"),
                format!("<{lower}>"),
            ];
            let first = text
                .strip_prefix(&lower)
                .is_some_and(|rest| rest.starts_with(':') || rest.starts_with(" -"));
            (first || marked.iter().any(|marked| text.contains(marked)))
                && alert.severities().all(|own| own != *name)
        })?;
        Some((
            format!(
                "`{}` calls itself {said}, and its severity is {}",
                self.name, alert.severity
            ),
            "write the alert's own severity, or none",
        ))
    }

    /// A summary that does not say of whom: it is what people read first, and often all of it.
    fn of_nobody(&self, key: &str, text: &str) -> Option<Wrong> {
        let alert = self
            .alert
            .filter(|alert| alert.about == Scope::Service && key == "summary")?;
        let named = ["service", "job", "instance"];
        let named = named.iter().any(|label| {
            text.contains(&format!("$labels.{label}"))
                || text.contains(&format!("Labels.{label}"))
                || text.contains(&format!("\"{label}\""))
        });
        let listed = alert
            .covers
            .iter()
            .any(|service| text.contains(service.as_str()));
        (!named && !listed).then(|| {
            (
                format!(
                    "the summary of `{}` does not say which service it is about",
                    self.name
                ),
                "write `{{ $labels.service }}` into it",
            )
        })
    }

    /// Seconds as a bare number.
    fn bare_seconds(&self, text: &str) -> Option<Wrong> {
        let alert = self
            .alert
            .filter(|alert| alert.unit.as_deref() == Some("seconds"))?;
        // The name of a metric may say it before the number.
        if text.contains("second") {
            return None;
        }
        let mut actions = text
            .split("{{")
            .skip(1)
            .filter_map(|part| part.split_once("}}"));
        let bare = actions.any(|(action, after)| {
            let plain = matches!(
                action.trim(),
                "$value" | "$value | humanize" | "humanize $value"
            );
            plain && !after.trim_start().to_lowercase().starts_with('s')
        });
        bare.then(|| {
            (
                format!("`{}` writes seconds as a bare number", alert.name),
                "write `{{ $value | humanizeDuration }}`",
            )
        })
    }

    /// Answers of a class that the rule does not read.
    fn of_another_class(&self, text: &str) -> Option<Wrong> {
        let claims = CLASS.captures_iter(text.as_bytes()).filter_map(|captures| {
            let span = captures.get_group(1)?;
            Some(&text[span.range()])
        });
        let claims: Vec<&str> = claims.collect();
        if claims.is_empty() {
            return None;
        }
        let read = classes(self.stack, self.rule)?;
        let wrong = claims
            .into_iter()
            .find(|claimed| !claimed.chars().all(|class| read.contains(&class)))?;
        let read: Vec<String> = read.iter().map(|class| format!("{class}xx")).collect();
        Some((
            format!(
                "`{}` speaks of {wrong}xx, and counts {}",
                self.name,
                read.join(" and ")
            ),
            "write the answers that it counts",
        ))
    }
}

/// The classes of answers that a rule tells apart, in what it reads of other rules too; None: it reads of all.
pub(super) fn classes(stack: &Stack, rule: &Value) -> Option<BTreeSet<char>> {
    let expr = stack.contract.parse(rule["expr"].as_str()?).ok()?;
    let mut read = BTreeSet::new();
    statuses(stack, &expr, 3, &mut read);
    (!read.is_empty()).then_some(read)
}

fn statuses(stack: &Stack, expr: &Expr, depth: usize, found: &mut BTreeSet<char>) {
    for selector in selectors(expr) {
        let matchers = selector.matchers.matchers.iter();
        let told =
            matchers.filter(|matcher| matcher.name == "code" || matcher.name.contains("status"));
        for matcher in told {
            let ends = ["00", "01", "03", "04"];
            let picked = |class: &char| {
                let mut ends = ends.iter();
                ends.any(|end| picks(matcher, &format!("{class}{end}")))
            };
            let classes: Vec<char> = ('1'..='5').filter(picked).collect();
            if classes.len() < 5 {
                found.extend(classes);
            }
        }
        let Some(name) = selector.name.as_deref().filter(|_| depth > 0) else {
            continue;
        };
        for loaded in &stack.rules {
            if loaded.rule.alert.is_none() && loaded.rule.name == name {
                statuses(stack, &loaded.rule.expr, depth - 1, found);
            }
        }
    }
}

/// The text around what is filled in.
fn without_placeholders(text: &str) -> String {
    let mut parts = text.split("{{");
    let mut all = parts.next().unwrap_or_default().to_string();
    for part in parts {
        all.push(' ');
        all += part.split_once("}}").map_or("", |(_, rest)| rest);
    }
    all
}

/// Whether a text holds words, and not as parts of others.
fn holds(text: &str, words: &str) -> bool {
    text.match_indices(words).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + words.len()..].chars().next();
        ![before, after]
            .into_iter()
            .flatten()
            .any(char::is_alphanumeric)
    })
}

fn is_filter(binary: &BinaryExpr) -> bool {
    binary.op.is_comparison_operator() && !returns_bool(binary)
}

/// The first time that a text says to have been looked at.
pub(super) fn looked_back(text: &str) -> Option<Duration> {
    groups(&LOOKED_BACK, text).find_map(meant)
}

/// `5m`, `hour`, `2 days`.
fn meant(text: &str) -> Option<Duration> {
    if let Some(duration) = Duration::parse(text) {
        return Some(duration);
    }
    let (count, unit) = text.split_once(char::is_whitespace).unwrap_or(("1", text));
    let count = count.parse::<u64>().unwrap_or(1);
    Duration::parse(&format!("{count}{}", &unit.trim().to_lowercase()[..1]))
}

/// What the first group of a pattern that is there has found, each time.
fn groups<'t>(pattern: &'t Regex, text: &'t str) -> impl Iterator<Item = &'t str> {
    let all = pattern.captures_iter(text.as_bytes());
    all.filter_map(|captures| {
        let mut groups = (1..captures.group_len()).filter_map(|group| captures.get_group(group));
        groups.next().map(|span| &text[span.range()])
    })
}

/// Every duration of a part of the catalog.
fn durations(value: &Value, found: &mut BTreeSet<Duration>) {
    match value {
        Value::String(text) if DURATION.is_match(text.as_bytes()) => {
            found.extend(Duration::parse(text));
        }
        Value::Array(items) => items.iter().for_each(|item| durations(item, found)),
        Value::Object(_) => value
            .entries()
            .for_each(|(_, value)| durations(value, found)),
        _ => {}
    }
}
