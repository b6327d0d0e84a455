//! What a panel's numbers look like: they can be told apart where its colours are, and its words say when they change.

use super::panel::Panel;
use crate::diagnostic::Diagnostic;
use crate::promql::Expr;
use crate::promql::matchers::picks;
use crate::promql::number::number;
use crate::promql::walk::selectors;
use crate::proofs::place;
use crate::value::Value;
use regex_automata::meta::Regex;
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// So many rows Grafana shows where nobody says how many.
const ROWS: u64 = 25;

/// From where on the words say that something is red: `red above 5 %`.
static RED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i-u)\bred\s+(?:above|below|over|under|from)\s+([0-9]+(?:\.[0-9]+)?)\s*%")
        .expect("it is a pattern")
});

impl Panel<'_, '_> {
    /// So few decimals that what is below a threshold reads as what is above.
    pub(super) fn rounded_away(&self) -> Option<Diagnostic> {
        let factor = match self.given("unit").next()?.0.as_str()? {
            "percentunit" => 100.0,
            "percent" | "none" => 1.0,
            _ => return None,
        };
        let (steps, _) = self.given("thresholds").next()?;
        let limits = steps["steps"]
            .items()
            .filter_map(|step| step["value"].as_f64());
        let limits: Vec<f64> = limits.map(|limit| factor * limit).collect();
        self.given("decimals").find_map(|(decimals, key)| {
            let grain = 10f64.powf(decimals.as_f64()?);
            let lost = limits.iter().find(|limit| {
                let shown = (**limit * grain).round() / grain;
                (shown - **limit).abs() > 1e-9 * limit.abs().max(1.0)
            })?;
            let message = format!(
                "`{}` changes its colour at {}, and shows {decimals} decimals: what is on the one side reads as what is on the other",
                self.text("title"),
                (lost * 1e9).round() / 1e9,
            );
            Some(self.wrong(&key, message, "show as many decimals as the thresholds have"))
        })
    }

    /// Words that say another number than that from which on it is red.
    pub(super) fn red_from_elsewhere(&self) -> Option<Diagnostic> {
        let text = self.text("description");
        let fields = &self.panel["fieldConfig"];
        let mut limits: Vec<f64> = Vec::new();
        let mut read = |thresholds: &Value| {
            let steps = thresholds["steps"].items();
            limits.extend(steps.filter_map(|step| step["value"].as_f64()));
        };
        read(&fields["defaults"]["thresholds"]);
        for property in fields["overrides"]
            .items()
            .flat_map(|change| change["properties"].items())
            .filter(|property| property["id"] == "thresholds")
        {
            read(&property["value"]);
        }
        let mut captures = RED.captures_iter(text.as_bytes());
        let said = captures.find_map(|captures| {
            let said: f64 = text[captures.get_group(1)?.range()].parse().ok()?;
            let near = |limit: &f64| {
                let apart = |factor: f64| (factor * limit - said).abs() < 1e-9 * said.max(1.0);
                apart(100.0) || apart(1.0)
            };
            // Where the words are right and the colours are not, the colours are to blame.
            let of_alert = || {
                let alerts = self.stack.catalog.alerts.iter();
                let branches = alerts.flat_map(|alert| &alert.branches);
                let mut limits = branches.filter_map(|branch| branch.above.or(branch.below));
                limits.any(|limit| near(&limit))
            };
            (!limits.iter().any(near) && !of_alert()).then_some(said)
        })?;
        let message = format!(
            "`{}` says that it is red from {said} % on, which is none of its thresholds",
            self.text("title")
        );
        Some(self.wrong("description", message, "write the threshold that it has"))
    }

    /// A tile for each row, and fewer tiles than there are services.
    pub(super) fn more_than_is_shown(&self) -> Option<Diagnostic> {
        let reduce = &self.panel["options"]["reduceOptions"];
        if reduce["values"] != true {
            return None;
        }
        let limit = reduce["limit"].as_u64().unwrap_or(ROWS);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let contract = &self.stack.contract;
        let most = self.queries.iter().map(|query| {
            let series = query.series(contract);
            let told = series.iter().filter(|set| set.carried.contains("job"));
            let targets = told.flat_map(|set| set.targets.ones());
            let jobs = targets.filter_map(|at| contract.targets.list[at].labels.get("job"));
            let jobs = jobs.collect::<BTreeSet<_>>().len();
            let ranked = match &*query.ast {
                Expr::Aggregate(ranked) => ranked.param.as_deref().and_then(number),
                _ => None,
            };
            ranked.map_or(jobs, |ranked| jobs.min(ranked.max(0.0) as usize))
        });
        let most = most.max().filter(|most| *most > limit)?;
        let message = format!(
            "`{}` shows {limit} of what it asks for, and that can be {most} services",
            self.text("title")
        );
        let help = "write a `limit` that holds them all, or set `values` to false";
        Some(self.wrong("options/reduceOptions", message, help))
    }

    /// Lines that are mirrored, or lie on each other, beside a line of what one of them is compared with.
    pub(super) fn lines_apart_from_their_threshold(&self) -> Option<Diagnostic> {
        let fields = &self.panel["fieldConfig"];
        let custom = &fields["defaults"]["custom"];
        let style = custom["thresholdsStyle"]["mode"].as_str();
        style.filter(|mode| *mode != "off")?;
        let steps = fields["defaults"]["thresholds"]["steps"].items();
        let mut limits = steps.filter_map(|step| step["value"].as_f64());
        limits.find(|limit| *limit > 0.0)?;
        let ratio = fields["defaults"]["unit"] == "percentunit";
        let changes = fields["overrides"].items();
        let mut properties = changes.flat_map(|change| change["properties"].items());
        let mirrored = custom["transform"] == "negative-Y"
            || properties.any(|property| {
                property["id"] == "custom.transform" && property["value"] == "negative-Y"
            });
        let how = match custom["stacking"]["mode"].as_str() {
            _ if mirrored => "below zero",
            Some("percent") => "as shares of each other",
            Some("normal") if ratio => "on top of each other",
            _ => return None,
        };
        let message = format!(
            "`{}` draws its lines {how}: none can be compared with its threshold",
            self.text("title")
        );
        let help = "draw them as they are, or leave the threshold out";
        Some(self.wrong("fieldConfig/defaults/custom", message, help))
    }

    /// Active alerts are those that fire and those that are about to.
    pub(super) fn active_without_pending(&self) -> Option<Diagnostic> {
        let title = self.text("title").to_lowercase();
        let mut words = title.split(|c: char| !c.is_alphanumeric());
        if !words.any(|word| word == "active") || title.contains("firing") {
            return None;
        }
        self.queries.iter().find_map(|query| {
            let all = selectors(&query.ast);
            let mut alerts = all
                .iter()
                .filter(|one| one.name.as_deref() == Some("ALERTS"))
                .peekable();
            alerts.peek()?;
            let pending = alerts.any(|one| {
                let mut states = one.matchers.matchers.iter();
                states.all(|matcher| matcher.name != "alertstate" || picks(matcher, "pending"))
            });
            (!pending).then(|| {
                let message = format!(
                    "`{}` leaves out the alerts that are pending, which are active too",
                    self.text("title")
                );
                let help =
                    "ask for both, `alertstate=~\"firing|pending\"`, or write that they fire";
                place::on(query, message, help)
            })
        })
    }
}
