//! What a panel says in words is what it asks for: the quantile in its name, the group of its row, the service that is chosen,
//! the thresholds in its description, now and not last week.

use super::{Check, Example, Proof, Usage, place};
use crate::artifacts::Role;
use crate::catalog::{Alert, Branch, with_unit};
use crate::contract::domain::Domain;
use crate::contract::status::{LABELS, outcomes};
use crate::diagnostic::Diagnostic;
use crate::json::Parts;
use crate::promql::engine::metric;
use crate::promql::matchers::Judge;
use crate::promql::number::number;
use crate::promql::token::*;
use crate::promql::variables::variables;
use crate::promql::walk::{children, selectors};
use crate::promql::{Expr, MatchOp, Offset};
use crate::render::File;
use crate::stack::Stack;
use crate::stack::dashboards::panels;
use crate::stack::expressions::Expression;
use crate::stack::grafana::shown::{Field, News, colour};
use crate::stack::variables::listed_label;
use regex_automata::meta::Regex;
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

pub(crate) const PROOF: Proof = Proof {
    code: "panel-promise",
    doc: "A copied panel keeps the query of the one that it was copied from, and nothing is broken: it draws a line, in the right unit, of something else than it says.",
    example: Example::Rendered {
        role: Role::Dashboard,
        pointer: "/panels/type=stat/options/reduceOptions/calcs",
        bad: r#"["count"]"#,
    },
    check: Check::Stack(check),
};

fn check(stack: &Stack) -> Vec<Diagnostic> {
    let mut by_panel: HashMap<(&str, &str), Vec<&Expression>> = HashMap::new();
    for expression in stack.used(Usage::Panel) {
        if let Some((panel, _)) = expression.pointer.split_once("/targets/") {
            by_panel
                .entry((expression.path, panel))
                .or_default()
                .push(expression);
        }
    }
    let mut found = Vec::new();
    for file in stack.files.dashboards() {
        let mut group = None;
        // What is asked → the panels that ask it: only those can be copies of each other.
        let mut drawn: HashMap<Vec<&str>, Vec<Panel>> = HashMap::new();
        for (pointer, panel) in panels(&file.value) {
            if panel["type"] == "row" {
                let title = panel["title"].as_str().unwrap_or_default();
                let mut groups = stack.catalog.groups.iter();
                group = groups
                    .find(|group| group.title == title)
                    .map(|group| (group.key.as_str(), group.title.as_str()));
                continue;
            }
            let queries = by_panel
                .get(&(file.path.as_str(), pointer.as_str()))
                .cloned()
                .unwrap_or_default();
            let one = Panel {
                stack,
                file,
                panel,
                pointer,
                queries,
            };
            found.extend(one.quantiles());
            found.extend(group.and_then(|(key, title)| one.of_group(key, title)));
            found.extend(one.chosen());
            found.extend(one.thresholds());
            found.extend(one.reduced());
            found.extend(one.of_the_past());
            found.extend(one.without_values());
            found.extend(one.of_another_budget());
            found.extend(one.shifted());
            found.extend(one.failures());
            found.extend(one.states());
            found.extend(one.nothing());
            found.extend(one.ranked());
            found.extend(one.stacked());
            found.extend(one.whole_time());
            found.extend(one.classes());
            found.extend(one.averaged());
            found.extend(one.of_this());
            found.extend(one.counted());
            found.extend(one.stepped());
            let asked = one.queries.iter().map(|query| query.written.as_str());
            let alike = drawn.entry(asked.collect()).or_default();
            found.extend(alike.iter().find_map(|other| one.copied(other)));
            found.extend(one.twice());
            alike.push(one);
        }
    }
    found
}

struct Panel<'a, 's> {
    stack: &'a Stack<'s>,
    file: &'a File,
    panel: &'a Value,
    pointer: String,
    queries: Vec<&'a Expression<'s>>,
}

/// A quantile in words: `p95`, `95th percentile`, `95 %` of what is not a ratio.
static QUANTILE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)\bp([0-9]{2}(?:\.[0-9]+)?)\b|\b([0-9]{1,2}(?:\.[0-9]+)?)(?:th|st|nd|rd)?[ -]percentile|\b(median)\b")
        .expect("it is a pattern")
});

/// Calculations that leave a single value what it is.
/// Words for what a panel shows of a time that is over.
const PAST: [&str; 16] = [
    "mean",
    "average",
    "avg",
    "max",
    "min",
    "highest",
    "lowest",
    "peak",
    "most",
    "least",
    "worst",
    "best",
    "range",
    "over the",
    "time shown",
    "first",
];

/// A series that is divided by a number, and the number.
fn divided_ratio(expr: &Expr) -> Option<(&str, f64)> {
    if let Expr::Binary(binary) = expr
        && binary.op.id() == T_DIV
        && let Some(by) = number(&binary.rhs)
        && let [selector] = selectors(&binary.lhs).as_slice()
    {
        return metric(selector).map(|name| (name, by));
    }
    children(expr).into_iter().find_map(divided_ratio)
}

const SAME: [&str; 14] = [
    "lastNotNull",
    "last",
    "first",
    "firstNotNull",
    "min",
    "max",
    "mean",
    "sum",
    "median",
    "mode",
    "logmin",
    "allValues",
    "uniqueValues",
    "total",
];

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

impl<'a, 's> Panel<'a, 's> {
    fn text(&self, key: &str) -> &'a str {
        self.panel[key].as_str().unwrap_or_default()
    }

    fn wrong(&self, key: &str, message: String, help: &str) -> Diagnostic {
        place::at(
            &self.file.path,
            format!("{}/{key}", self.pointer),
            message,
            help,
        )
    }

    /// Each quantile that is named is drawn, and each one that is drawn is named.
    fn quantiles(&self) -> Option<Diagnostic> {
        let title = named(self.text("title"));
        let mut all = BTreeSet::new();
        let mut legends = false;
        for query in &self.queries {
            let mut asked = Vec::new();
            quantiles(&query.ast, &mut asked);
            let legend = query.target["legendFormat"].as_str().unwrap_or_default();
            let said = named(legend);
            for number in asked {
                if !(0.0..=1.0).contains(&number) {
                    let message = format!(
                        "`{}` asks for the quantile {number}, which is none",
                        self.text("title")
                    );
                    return Some(place::on(
                        query,
                        message,
                        "write a number from 0 to 1: 0.95 is what 95% stay below",
                    ));
                }
                let percent = thousandths(number * 100.0);
                all.insert(percent);
                let wrong = match said.is_empty() {
                    false if !said.contains(&percent) => Some(legend),
                    true if !title.is_empty() && !title.contains(&percent) => {
                        Some(self.text("title"))
                    }
                    _ => None,
                };
                legends |= !said.is_empty();
                if let Some(text) = wrong {
                    let message = format!("`{text}` draws what {}% stay below", number * 100.0);
                    return Some(place::on(
                        query,
                        message,
                        "write the quantile that is named, or name the one that is drawn",
                    ));
                }
            }
        }
        // Legends that name what is drawn tell it apart from what the title says.
        let lost = title
            .iter()
            .find(|percent| !all.is_empty() && !legends && !all.contains(*percent))?;
        let message = format!(
            "`{}` draws no quantile of {}%",
            self.text("title"),
            *lost as f64 / 1000.0
        );
        Some(self.wrong(
            "title",
            message,
            "write the quantile that is named, or name the one that is drawn",
        ))
    }

    /// In a row of a group, something of the group is chosen.
    fn of_group(&self, key: &str, title: &str) -> Option<Diagnostic> {
        let contract = &self.stack.contract;
        let query = self.queries.iter().find(|query| {
            let mut measured = false;
            let outside = selectors(&query.ast).into_iter().all(|selector| {
                let Some(name) = metric(selector) else {
                    return false;
                };
                let series = contract.family(name).iter();
                let mut chosen = series
                    .filter_map(|series| contract.select(series, &selector.matchers.matchers))
                    .peekable();
                measured |= chosen.peek().is_some();
                chosen.any(|series| match contract.values(&series, "component") {
                    Domain::Values(values) => {
                        values.iter().any(|value| value != key && !value.is_empty())
                    }
                    Domain::Pattern(_) => false,
                })
            });
            measured && outside
        })?;
        let message = format!(
            "`{}` stands in the row `{title}` and shows services of other groups",
            self.text("title")
        );
        Some(place::on(
            query,
            message,
            "choose the group: `component` is its key",
        ))
    }

    /// A service that is written where the dashboard lets people choose one.
    fn chosen(&self) -> Option<Diagnostic> {
        let asked = |query: &Expression| {
            let list = self.file.value["templating"]["list"].items();
            let mut names =
                list.filter(|variable| matches!(listed_label(variable), Some("job" | "service")));
            names.any(|variable| {
                variables(&query.written).any(|(name, _)| *name == variable["name"])
            })
        };
        // One that is always the same may stand beside those that are chosen.
        if self.queries.iter().any(|query| asked(query)) {
            return None;
        }
        let words = format!("{} {}", self.text("title"), self.text("description"));
        self.queries.iter().find_map(|query| {
            let all = selectors(&query.ast);
            // A part of what is asked may be of one service, beside what is chosen.
            let mut choices = all.iter().flat_map(|selector| &selector.matchers.matchers);
            let panel = || {
                self.queries
                    .iter()
                    .flat_map(|query| selectors(&query.ast))
                    .flat_map(|selector| &selector.matchers.matchers)
            };
            if choices.by_ref().chain(panel()).any(|matcher| {
                ["job", "service", "instance"].contains(&matcher.name.as_str())
                    && matcher.op != MatchOp::Equal
                    && !matcher.value.is_empty()
            }) {
                return None;
            }
            // What an alert compares is recorded by alert and service: a branch of it is of some services.
            let signal = |name: &str| {
                self.stack
                    .catalog
                    .alerts
                    .iter()
                    .any(|alert| alert.signals.iter().any(|signal| signal.name == name))
            };
            let own = all
                .iter()
                .filter(|selector| !metric(selector).is_some_and(signal));
            let mut matchers = own.flat_map(|selector| &selector.matchers.matchers);
            let (name, value) = matchers.find_map(|matcher| {
                let variable = self.file.value["templating"]["list"]
                    .items()
                    .find(|variable| {
                        let lists = listed_label(variable) == Some(&matcher.name);
                        lists && variable["type"] == "query"
                    })?;
                let offered = self.stack.catalog.service(&matcher.value).is_some()
                    && self
                        .stack
                        .contract
                        .targets
                        .values(&matcher.name)
                        .any(|value| value == matcher.value);
                let written = query.written.contains(&matcher.value);
                (matcher.op == MatchOp::Equal && offered && written).then(|| {
                    (
                        variable["name"].as_str().unwrap_or_default(),
                        matcher.value.clone(),
                    )
                })
            })?;
            let message = format!(
                "`{}` always shows {value}, whatever is chosen as `{name}`",
                self.text("title")
            );
            let said = words.contains(&value)
                || query.target["legendFormat"]
                    .as_str()
                    .is_some_and(|legend| legend.contains(&value));
            (!said).then(|| {
                place::on(
                    query,
                    message,
                    "ask for what is chosen, or say in the title of which service it is",
                )
            })
        })
    }

    /// The thresholds of alerts that the description names.
    fn thresholds(&self) -> Option<Diagnostic> {
        let text = self.text("description");
        // Most panels name none of the alerts, of which there may be many.
        if !text.contains(" fires ") {
            return None;
        }
        self.stack.catalog.alerts.iter().find_map(|alert| {
            let side = alert.side.word_of(alert.includes);
            let (phrase, word) = (format!("{} fires {side} ", alert.name), format!("{side} "));
            let mut starts = text.match_indices(&phrase).map(|(at, _)| at);
            let start = starts.find(|at| !text[..*at].ends_with(char::is_alphanumeric))?;
            let sentence = &text[start..];
            let sentence = &sentence[..sentence.find(". ").unwrap_or(sentence.len())];
            let mut said = sentence
                .split(word.as_str())
                .skip(1)
                .filter_map(|rest| rest.split([' ', ',']).next());
            let known: Vec<String> = limits(alert).collect();
            let wrong = said.find(|word| {
                let number = word.starts_with(|c: char| c.is_ascii_digit());
                number
                    && !known
                        .iter()
                        .any(|limit| limit.split(' ').next() == Some(word.trim_end_matches('.')))
            })?;
            let wrong = wrong.trim_end_matches('.');
            let message = format!(
                "`{}` says that {} fires {side} {wrong}, and it does {side} {}",
                self.text("title"),
                alert.name,
                known.join(" or ")
            );
            Some(self.wrong("description", message, "write the threshold of the rule"))
        })
    }

    /// What is made of the one value that an instant query gives.
    fn reduced(&self) -> Option<Diagnostic> {
        let instant = !self.queries.is_empty()
            && self
                .queries
                .iter()
                .all(|query| query.target["instant"] == true && query.target["range"] != true);
        let calcs = &self.panel["options"]["reduceOptions"]["calcs"];
        let percentile = |calc: &str| {
            calc.strip_prefix('p')
                .is_some_and(|rest| rest.parse::<u8>().is_ok())
        };
        let other = calcs
            .texts()
            .find(|calc| !SAME.contains(calc) && !percentile(calc))
            .filter(|_| instant)?;
        let message = format!(
            "`{}` shows `{other}` of a single value, and not the value",
            self.text("title")
        );
        Some(self.wrong(
            "options/reduceOptions/calcs",
            message,
            "write `lastNotNull`",
        ))
    }

    /// A colour or a word that tells how things are, of a number that was so at some time of the range.
    fn of_the_past(&self) -> Option<Diagnostic> {
        let ranged =
            |query: &&Expression| query.target["instant"] != true || query.target["range"] == true;
        let calcs = &self.panel["options"]["reduceOptions"]["calcs"];
        let calc = calcs
            .texts()
            .find(|calc| !["lastNotNull", "last"].contains(calc))?;
        let field = Field::of(self.panel, "", "");
        let tells = field.steps().len() > 1 && field.by_steps()
            || self.panel["fieldConfig"]["defaults"]["mappings"]
                .items()
                .next()
                .is_some();
        let said = format!("{} {}", self.text("title"), self.text("description")).to_lowercase();
        let said = PAST.iter().any(|word| said.contains(word));
        if !self.queries.iter().any(ranged) || said || !(tells || calc.starts_with("first")) {
            return None;
        }
        let message = format!(
            "`{}` shows the `{calc}` of the time shown as how things are now",
            self.text("title")
        );
        let help = "write `lastNotNull`, or say in the title what it is of";
        Some(self.wrong("options/reduceOptions/calcs", message, help))
    }

    /// A tile that shows when a value was measured in its place.
    fn without_values(&self) -> Option<Diagnostic> {
        let fields = self.panel["options"]["reduceOptions"]["fields"].as_str()?;
        let pattern = fields
            .strip_prefix('/')
            .and_then(|rest| rest.strip_suffix('/'));
        let time = match pattern {
            Some(pattern) => Domain::Values(vec!["Time".to_string()])
                .example(&format!(".*(?:{pattern}).*"), true)
                .is_some_and(|_| pattern.contains("Time")),
            None => fields == "Time",
        };
        let message = format!("`{}` shows times, and not the values", self.text("title"));
        time.then(|| {
            let help = "leave it empty: that is every field with numbers";
            self.wrong("options/reduceOptions/fields", message, help)
        })
    }

    /// How fast a budget burns, reckoned with another budget than the objective leaves.
    fn of_another_budget(&self) -> Option<Diagnostic> {
        self.queries.iter().find_map(|query| {
            let (name, by) = divided_ratio(&query.ast)?;
            let slos = self.stack.catalog.slos.iter();
            let mut slos = slos.filter(|slo| slo.recorded.names().any(|known| known == name));
            let slo = slos.next()?;
            let alerts = self.stack.catalog.alerts.iter();
            let of_slo = alerts.filter(|alert| {
                let of = alert.slo.as_ref();
                of.is_some_and(|of| of.name == slo.name)
            });
            let limits = of_slo.flat_map(|alert| &alert.branches);
            let mut known = limits
                .filter_map(|branch| branch.above)
                .chain([slo.budget, 1.0]);
            let near = |known: f64| (known - by).abs() <= 1e-9 * known.abs();
            (!known.any(near)).then(|| {
                let message = format!(
                    "`{}` divides `{name}` by {by}, and the objective leaves a budget of {}",
                    self.text("title"),
                    slo.budget
                );
                let help = "divide by what the objective lets fail";
                place::on(query, message, help)
            })
        })
    }

    /// What is shown as if it were now, and is of another time.
    fn shifted(&self) -> Option<Diagnostic> {
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
            shifts(&query.ast, Default::default(), &mut offsets);
            if let Some(least) = offsets.iter().min().filter(|least| !least.is_zero()) {
                let message = format!(
                    "`{}` shows what was {} ago as if it were now",
                    self.text("title"),
                    crate::catalog::Duration(least.as_millis() as u64)
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

    /// Lines of requests that failed are not green, and not hidden beside those that did not.
    fn failures(&self) -> Option<Diagnostic> {
        let contract = &self.stack.contract;
        self.queries.iter().find_map(|query| {
            let legend = query.target["legendFormat"].as_str()?;
            let shown = |label: &&str| {
                legend
                    .replace(' ', "")
                    .contains(&format!("{{{{{label}}}}}"))
            };
            let label = LABELS.into_iter().find(shown)?;
            let place = format!("{{{{{label}}}}}");
            let series = query.series(contract);
            let domain = series
                .iter()
                .find(|series| series.has(label))
                .map(|series| contract.values(series, label))?;
            let outcomes = outcomes(&domain).ok()?;
            let letter = query.target["refId"].as_str().unwrap_or_default();
            let of = |status: &String| {
                let name = legend
                    .replace("{{ ", "{{")
                    .replace(" }}", "}}")
                    .replace(&place, status);
                Field::of(self.panel, &name, letter)
            };
            let fixed = |field: &Field| field.fixed().map(|name| colour(&name));
            let at = "fieldConfig/overrides";
            if let Some(status) = outcomes
                .failed
                .iter()
                .find(|status| fixed(&of(status)) == Some(News::Good))
            {
                let message = format!(
                    "`{}` draws the status {status} in green, and it is an error",
                    self.text("title")
                );
                return Some(self.wrong(at, message, "give errors another colour"));
            }
            let hidden = |status: &String| of(status).hidden();
            let status = outcomes.failed.iter().find(|status| hidden(status))?;
            let message = format!(
                "`{}` hides the status {status}, and it is an error",
                self.text("title")
            );
            (!outcomes.answered.iter().all(hidden))
                .then(|| self.wrong(at, message, "show what fails"))
        })
    }

    /// The words and colours for the values of a label: each value has its own, and none that is another's.
    fn states(&self) -> Option<Diagnostic> {
        let maps = |change: &Value| {
            let mut properties = change["properties"].items();
            change["matcher"]["id"] == "byName"
                && properties.any(|property| property["id"] == "mappings")
        };
        let changes = || self.panel["fieldConfig"]["overrides"].items();
        changes().find(|change| maps(change))?;
        let contract = &self.stack.contract;
        let series: Vec<_> = self
            .queries
            .iter()
            .flat_map(|query| query.series(contract))
            .collect();
        let renamed = |name: &str| {
            let mut changes = self.panel["transformations"]
                .items()
                .filter(|change| change["id"] == "organize");
            let old = changes.find_map(|change| {
                change["options"]["renameByName"]
                    .entries()
                    .find(|(_, new)| *new == name)
                    .map(|(old, _)| old.clone())
            });
            old.unwrap_or_else(|| name.to_string())
        };
        for (index, change) in changes().enumerate() {
            let Some(column) = change["matcher"]["options"]
                .as_str()
                .filter(|_| maps(change))
            else {
                continue;
            };
            let label = renamed(column);
            let having = series.iter().copied().filter(|series| series.has(&label));
            let domains = contract.domains(having, &label);
            let lists: Option<Vec<Vec<String>>> = domains
                .into_iter()
                .map(|domain| match domain {
                    Domain::Values(values) => Some(values),
                    Domain::Pattern(_) => None,
                })
                .collect();
            let values: BTreeSet<String> = lists
                .into_iter()
                .flatten()
                .flatten()
                .filter(|value| !value.is_empty() && value != "none")
                .collect();
            for (number, property) in change["properties"]
                .items()
                .enumerate()
                .filter(|(_, property)| property["id"] == "mappings")
            {
                let at = format!("fieldConfig/overrides/{index}/properties/{number}/value");
                let others = property["value"]
                    .items()
                    .any(|mapping| mapping["type"] != "value");
                let options: Vec<(&String, &Value)> = property["value"]
                    .items()
                    .filter(|mapping| mapping["type"] == "value")
                    .flat_map(|mapping| mapping["options"].entries())
                    .collect();
                let help = "give each value its own word and colour";
                for (value, result) in options.iter().filter(|(value, _)| values.contains(*value)) {
                    let text = result["text"].as_str().unwrap_or_default();
                    let other = values
                        .iter()
                        .find(|other| other != value && other.eq_ignore_ascii_case(text));
                    if other.is_some() {
                        return Some(self.wrong(
                            &at,
                            format!(
                                "`{}` shows {label} `{value}` as {text}, which is another",
                                self.text("title")
                            ),
                            help,
                        ));
                    }
                    let good = result["color"].as_str().map(colour) == Some(News::Good);
                    if label == "alertstate" && good {
                        return Some(self.wrong(
                            &at,
                            format!(
                                "`{}` shows an alert that is {value} in green",
                                self.text("title")
                            ),
                            help,
                        ));
                    }
                }
                let known = |value: &String| options.iter().any(|(known, _)| *known == value);
                let lost = values.iter().find(|value| {
                    !known(value) && options.iter().any(|(known, _)| nearly(known, value))
                });
                if let Some(lost) = lost.filter(|_| !others) {
                    return Some(self.wrong(
                        &at,
                        format!(
                            "`{}` gives {label} `{lost}` no word and no colour",
                            self.text("title")
                        ),
                        help,
                    ));
                }
            }
        }
        None
    }

    /// What is said of it, in lower case.
    fn words(&self) -> String {
        format!("{}. {}", self.text("title"), self.text("description")).to_lowercase()
    }

    /// The busiest are not the idlest, and as many as are named.
    fn ranked(&self) -> Option<Diagnostic> {
        let words = self.words();
        let has = |list: &[&str]| list.iter().any(|word| words.contains(word));
        let (most, least) = (has(&MOST), has(&LEAST));
        let numbers: BTreeSet<i64> = COUNTED
            .captures_iter(words.as_bytes())
            .filter_map(|captures| {
                let number = (1..=3).find_map(|index| captures.get_group(index))?;
                let number = &words[number.range()];
                let spelt = NUMBERS.iter().position(|word| *word == number);
                spelt.map(|at| at as i64).or_else(|| number.parse().ok())
            })
            .collect();
        self.queries.iter().find_map(|query| {
            let mut ranks = Vec::new();
            ranks_of(&query.ast, &mut ranks);
            ranks.into_iter().find_map(|(largest, count)| {
                let title = self.text("title");
                let message = match largest {
                    false if most && !least => format!("`{title}` shows the least of them"),
                    true if least && !most => format!("`{title}` shows the most of them"),
                    _ if !numbers.is_empty() && !numbers.contains(&count) => {
                        format!("`{title}` shows {count} of them, and names another number")
                    }
                    _ => return None,
                };
                Some(place::on(
                    query,
                    message,
                    "ask for what is said, or say what is asked",
                ))
            })
        })
    }

    /// Quantiles do not add up.
    fn stacked(&self) -> Option<Diagnostic> {
        let mode = self.panel["fieldConfig"]["defaults"]["custom"]["stacking"]["mode"].as_str();
        mode.filter(|mode| ["normal", "percent"].contains(mode))?;
        let mut all = Vec::new();
        self.queries
            .iter()
            .for_each(|query| quantiles(&query.ast, &mut all));
        (!all.is_empty()).then(|| {
            self.wrong(
                "fieldConfig/defaults/custom/stacking/mode",
                format!(
                    "`{}` adds quantiles up, which are no parts of anything",
                    self.text("title")
                ),
                "do not stack them",
            )
        })
    }

    /// What is said of the time that is shown is asked of all of it.
    fn whole_time(&self) -> Option<Diagnostic> {
        let words = self.words();
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

    /// The class of answers in words is that of the query.
    fn classes(&self) -> Option<Diagnostic> {
        let words = self.words();
        let said = |class: &str| words.contains(class);
        let (client, server) = (said("4xx") || said("client"), said("5xx"));
        if client == server {
            return None;
        }
        self.queries.iter().find_map(|query| {
            let legend = query.target["legendFormat"].as_str().unwrap_or_default();
            let all = selectors(&query.ast);
            let matchers: Vec<_> = all
                .iter()
                .flat_map(|selector| &selector.matchers.matchers)
                .filter(|matcher| LABELS.contains(&matcher.name.as_str()))
                .collect();
            let picks = |statuses: [&str; 3]| {
                matchers.iter().any(|matcher| {
                    let judge = Judge::of(matcher);
                    matcher.op != MatchOp::NotEqual
                        && statuses.iter().any(|status| judge.picks(status))
                })
            };
            let (clients, servers) = (picks(["400", "404", "429"]), picks(["500", "502", "503"]));
            let wrong = clients != servers && clients != client && !legend.contains("xx");
            let (says, asks) = if client {
                ("4xx", "5xx")
            } else {
                ("5xx", "4xx")
            };
            wrong.then(|| {
                let message = format!("`{}` says {says}, and asks for {asks}", self.text("title"));
                place::on(query, message, "ask for what is said, or say what is asked")
            })
        })
    }

    /// An average is no extreme.
    fn averaged(&self) -> Option<Diagnostic> {
        let words = self.words();
        let other = [
            "max", "min", "highest", "lowest", "worst", "best", "most", "least", "p9",
        ];
        if !words.contains("average") || other.iter().any(|word| words.contains(word)) {
            return None;
        }
        let [query] = self.queries.as_slice() else {
            return None;
        };
        let Expr::Aggregate(outermost) = bare(&query.ast) else {
            return None;
        };
        let extreme = [T_MAX, T_MIN].contains(&outermost.op.id());
        (extreme && outermost.modifier.is_none()).then(|| {
            let message = format!(
                "`{}` says average, and shows one of them",
                self.text("title")
            );
            place::on(query, message, "ask for `avg`, or say which one it is")
        })
    }

    /// What is said to be of this service asks for it.
    fn of_this(&self) -> Option<Diagnostic> {
        if !self.words().contains("of this service") {
            return None;
        }
        let query = self.queries.iter().find(|query| {
            let mut parts = Vec::new();
            alternatives(&query.ast, &mut parts);
            parts.into_iter().any(|part| {
                let all = selectors(part);
                let mut matchers = all.iter().flat_map(|selector| &selector.matchers.matchers);
                let labels = ["job", "service", "instance"];
                !all.is_empty() && !matchers.any(|matcher| labels.contains(&matcher.name.as_str()))
            })
        })?;
        let message = format!(
            "`{}` is of this service, and this is of all",
            self.text("title")
        );
        Some(place::on(
            query,
            message,
            "ask for the service that is chosen",
        ))
    }

    /// An alert has one sample for each evaluation: so long is each of those that are counted.
    fn counted(&self) -> Option<Diagnostic> {
        let evaluated = self.stack.catalog.prometheus.evaluation_interval.seconds();
        self.queries.iter().find_map(|query| {
            let mut factors = Vec::new();
            sample_times(&query.ast, evaluated, &mut factors);
            let (factor, long) = factors.into_iter().find(|(factor, long)| {
                let also = [1.0, 1000.0, 1.0 / 60.0, 1.0 / 3600.0, 1.0 / 86400.0];
                !also
                    .iter()
                    .any(|unit| (factor / (long * unit) - 1.0).abs() < 1e-9)
            })?;
            let message = format!(
                "`{}` takes each sample of an alert for {factor}s, and it is of {long}s",
                self.text("title")
            );
            Some(place::on(
                query,
                message,
                "multiply by the interval of evaluation",
            ))
        })
    }

    /// What begins is looked for as often as it is compared with before.
    fn stepped(&self) -> Option<Diagnostic> {
        self.queries.iter().find_map(|query| {
            let mut gaps = Vec::new();
            gaps_of(&query.ast, &mut gaps);
            let (step, back) = gaps.into_iter().find(|(step, back)| step > back)?;
            let long =
                |time: std::time::Duration| crate::catalog::Duration(time.as_millis() as u64);
            let message = format!(
                "`{}` looks every {} for what is different from {} before: most of it is missed",
                self.text("title"),
                long(step),
                long(back)
            );
            Some(place::on(query, message, "let the step be the offset"))
        })
    }

    /// A ratio of nothing is no number.
    fn nothing(&self) -> Option<Diagnostic> {
        let defaults = &self.panel["fieldConfig"]["defaults"];
        let ratio = matches!(defaults["unit"].as_str(), Some("percentunit" | "percent"));
        let text = defaults["noValue"].as_str().filter(|_| ratio)?;
        text.trim()
            .trim_end_matches('%')
            .trim()
            .parse::<f64>()
            .ok()?;
        let message = format!(
            "`{}` shows {text} where there is no data",
            self.text("title")
        );
        Some(self.wrong(
            "fieldConfig/defaults/noValue",
            message,
            "say that there is none: a ratio of nothing is no number",
        ))
    }

    /// The same query as another panel's, under another title: one of the two is not what it says.
    fn copied(&self, other: &Panel<'a, 's>) -> Option<Diagnostic> {
        let same = |key: &str| self.panel[key] == other.panel[key];
        let copied = [
            "type",
            "options",
            "transformations",
            "timeFrom",
            "timeShift",
            "interval",
        ]
        .into_iter()
        .all(same)
            && self.panel["fieldConfig"]["defaults"]["unit"]
                == other.panel["fieldConfig"]["defaults"]["unit"]
            && !same("title");
        let query = self.queries.first().filter(|_| copied)?;
        let message = format!(
            "`{}` shows the same as `{}`",
            self.text("title"),
            other.text("title")
        );
        Some(place::on(
            query,
            message,
            "ask for what the title says, or remove one of the two",
        ))
    }

    /// The same query twice in one panel.
    fn twice(&self) -> Option<Diagnostic> {
        let legend = |query: &Expression| {
            query.target["legendFormat"]
                .as_str()
                .unwrap_or_default()
                .to_string()
        };
        let (index, query) = self.queries.iter().enumerate().find(|(index, query)| {
            self.queries[..*index]
                .iter()
                .any(|other| other.written == query.written && legend(other) != legend(query))
        })?;
        let mut before = self.queries[..index].iter();
        let other = before.find(|other| other.written == query.written)?;
        let message = format!(
            "in `{}`, `{}` is the same query as `{}`",
            self.text("title"),
            legend(query),
            legend(other)
        );
        Some(place::on(
            query,
            message,
            "ask for what the legend says, or remove one of the two",
        ))
    }
}

/// Words of the largest, and of the smallest.
const MOST: [&str; 6] = [
    "busiest", "highest", "largest", "biggest", "slowest", "heaviest",
];
const LEAST: [&str; 6] = [
    "idlest", "lowest", "smallest", "fewest", "fastest", "lightest",
];

const NUMBERS: [&str; 21] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
];

/// How many are shown: `at most 20 services`, `the ten busiest`, `top 5`.
static COUNTED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\bat most ([0-9]+|[a-z]+) (?:services|endpoints|instances|series|alerts|lines)|\bthe ([0-9]+|[a-z]+) (?:busiest|highest|largest|biggest|slowest|heaviest|idlest|lowest|smallest|fewest|fastest|lightest)|\btop[ -]([0-9]+)")
        .expect("it is a pattern")
});

/// Each `topk` and `bottomk`: whether it is of the largest, and how many.
fn ranks_of(expr: &Expr, found: &mut Vec<(bool, i64)>) {
    if let Expr::Aggregate(aggregate) = expr
        && [T_TOPK, T_BOTTOMK].contains(&aggregate.op.id())
        && let Some(Expr::NumberLiteral(count)) = aggregate.param.as_deref()
    {
        found.push((aggregate.op.id() == T_TOPK, count.val as i64));
    }
    children(expr)
        .into_iter()
        .for_each(|inside| ranks_of(inside, found));
}

/// Without what only orders, bounds or multiplies it.
fn bare(expr: &Expr) -> &Expr {
    match expr {
        Expr::Paren(paren) => bare(&paren.expr),
        Expr::Binary(binary) => match (&*binary.lhs, &*binary.rhs) {
            (Expr::NumberLiteral(_), other) | (other, Expr::NumberLiteral(_)) => bare(other),
            _ => expr,
        },
        _ => expr,
    }
}

/// What stands between the `or` of an expression.
fn alternatives<'e>(expr: &'e Expr, found: &mut Vec<&'e Expr>) {
    match expr {
        Expr::Paren(paren) => alternatives(&paren.expr, found),
        Expr::Binary(binary) if binary.op.id() == T_LOR => {
            alternatives(&binary.lhs, found);
            alternatives(&binary.rhs, found);
        }
        other => found.push(other),
    }
}

/// Each number by which counted samples of alerts are multiplied, and how long one of them is.
fn sample_times(expr: &Expr, evaluated: f64, found: &mut Vec<(f64, f64)>) {
    fn counted(expr: &Expr, evaluated: f64) -> Option<f64> {
        match expr {
            Expr::Paren(paren) => counted(&paren.expr, evaluated),
            Expr::Aggregate(aggregate) if [T_SUM, T_TOPK, T_MAX].contains(&aggregate.op.id()) => {
                counted(&aggregate.expr, evaluated)
            }
            Expr::Call(call) if call.func.name == "count_over_time" => {
                let range = call.args.args.first()?;
                let alerts = selectors(range)
                    .iter()
                    .all(|selector| metric(selector) == Some("ALERTS"));
                match &**range {
                    Expr::Subquery(range) => range.step.map(|step| step.as_secs_f64()),
                    _ => Some(evaluated),
                }
                .filter(|_| alerts)
            }
            _ => None,
        }
    }
    if let Expr::Binary(binary) = expr
        && binary.op.id() == T_MUL
    {
        for (one, other) in [(&binary.lhs, &binary.rhs), (&binary.rhs, &binary.lhs)] {
            if let Expr::NumberLiteral(number) = &**other {
                found.extend(counted(one, evaluated).map(|long| (number.val, long)));
            }
        }
    }
    children(expr)
        .into_iter()
        .for_each(|inside| sample_times(inside, evaluated, found));
}

/// Each subquery that looks for what was not there before: its step, and how far before.
fn gaps_of(expr: &Expr, found: &mut Vec<(std::time::Duration, std::time::Duration)>) {
    fn before(expr: &Expr) -> Option<std::time::Duration> {
        match expr {
            Expr::Paren(paren) => before(&paren.expr),
            Expr::Binary(binary) if binary.op.id() == T_LUNLESS => {
                let mut back = Vec::new();
                shifts(&binary.rhs, Default::default(), &mut back);
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
    children(expr)
        .into_iter()
        .for_each(|inside| gaps_of(inside, found));
}

/// The thresholds of an alert, as people write them.
fn limits(alert: &Alert) -> impl Iterator<Item = String> {
    let limits = alert.branches.iter().filter_map(Branch::limit);
    limits.map(|(_, limit)| with_unit(limit, alert.unit.as_deref()))
}

/// Whether one is the beginning of the other, or a slip of it.
fn nearly(known: &str, value: &str) -> bool {
    known != value
        && (value.starts_with(known)
            || known.starts_with(value)
            || crate::diagnostic::nearest(known, [value]).is_some())
}

/// As whole numbers, which can be compared.
fn thousandths(percent: f64) -> i64 {
    (percent * 1000.0).round() as i64
}

/// The quantiles that a text names, in thousandths of a percent.
fn named(text: &str) -> BTreeSet<i64> {
    let number = |captures: regex_automata::util::captures::Captures| {
        let group = |index| captures.get_group(index).map(|span| &text[span.range()]);
        let number = group(1).or(group(2)).and_then(|number| number.parse().ok());
        number.or(group(3).map(|_| 50.0)).map(thousandths)
    };
    QUANTILE
        .captures_iter(text.as_bytes())
        .filter_map(number)
        .collect()
}

/// The quantiles that an expression asks for.
fn quantiles(expr: &Expr, found: &mut Vec<f64>) {
    let number = |expr: &Expr| match expr {
        Expr::NumberLiteral(number) => Some(number.val),
        _ => None,
    };
    match expr {
        Expr::Call(call)
            if ["histogram_quantile", "quantile_over_time"].contains(&call.func.name) =>
        {
            found.extend(call.args.args.first().and_then(|argument| number(argument)));
        }
        Expr::Aggregate(aggregate) if aggregate.op.id() == crate::promql::token::T_QUANTILE => {
            found.extend(
                aggregate
                    .param
                    .as_ref()
                    .and_then(|argument| number(argument)),
            );
        }
        _ => {}
    }
    children(expr)
        .into_iter()
        .for_each(|inside| quantiles(inside, found));
}

/// How far back each selector looks from the time that is shown; one that looks ahead, or is pinned to an instant, is now.
fn shifts(expr: &Expr, around: std::time::Duration, found: &mut Vec<std::time::Duration>) {
    let back = |offset: &Option<Offset>, pinned: bool| match offset {
        _ if pinned => Default::default(),
        Some(Offset::Pos(offset)) => around + *offset,
        _ => around,
    };
    match expr {
        Expr::VectorSelector(selector) => found.push(back(&selector.offset, selector.at.is_some())),
        Expr::MatrixSelector(matrix) => found.push(back(&matrix.vs.offset, matrix.vs.at.is_some())),
        Expr::Subquery(subquery) => shifts(
            &subquery.expr,
            back(&subquery.offset, subquery.at.is_some()),
            found,
        ),
        _ => children(expr)
            .into_iter()
            .for_each(|inside| shifts(inside, around, found)),
    }
}
