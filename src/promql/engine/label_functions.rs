//! `label_replace` and `label_join`, and the labels of what is absent.

use super::{Evaluated, Failure, Labels, NAME, Series, merged};
use crate::promql::matchers::regex;
use crate::promql::walk::selector;
use crate::promql::{Expr, MatchOp};

/// `texts`: the label that is written, its replacement, the label that is read, the pattern.
pub(super) fn replaced(series: Vec<Series>, texts: &[&str]) -> Evaluated<Vec<Series>> {
    let [target, replacement, source, pattern] = texts else {
        return Err(Failure::certain("`label_replace` takes four strings"));
    };
    let regex = regex(pattern)
        .ok_or_else(|| Failure::certain(format!("`{pattern}` is not a regular expression")))?;
    let renamed = series.into_iter().map(|series| {
        let value = series.labels.get(source).to_string();
        let mut captures = regex.create_captures();
        regex.captures(value.as_str(), &mut captures);
        if !captures.is_match() {
            return series;
        }
        let mut written = String::new();
        captures.interpolate_string_into(&value, replacement, &mut written);
        Series {
            labels: series.labels.with(target, &written),
            ..series
        }
    });
    merged(renamed.collect())
}

/// `texts`: the label that is written, what separates the values, the labels that are read.
pub(super) fn joined(series: Vec<Series>, texts: &[&str]) -> Evaluated<Vec<Series>> {
    let [target, separator, sources @ ..] = texts else {
        return Err(Failure::certain("`label_join` takes at least two strings"));
    };
    let renamed = series.into_iter().map(|series| {
        let values: Vec<&str> = sources
            .iter()
            .map(|source| series.labels.get(source))
            .collect();
        Series {
            labels: series.labels.with(target, &values.join(separator)),
            ..series
        }
    });
    merged(renamed.collect())
}

/// The labels of `absent`: what the selector asks to be equal, once.
pub(super) fn of_absent(expr: &Expr) -> Labels {
    let Some(selector) = selector(expr) else {
        return Labels::default();
    };
    let matchers = &selector.matchers.matchers;
    let wanted = matchers.iter().filter(|matcher| {
        matcher.name != NAME
            && matcher.op == MatchOp::Equal
            && matchers
                .iter()
                .filter(|other| other.name == matcher.name)
                .count()
                == 1
    });
    wanted
        .map(|matcher| (matcher.name.as_str(), matcher.value.as_str()))
        .collect()
}
