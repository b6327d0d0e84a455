//! The queries of a panel, as its row writes them: PromQL, and above each of several its name behind a `#`.

use crate::templates::checked::Misused;
use crate::templates::refuse;
use minijinja::Error;
use minijinja::value::{Serde, Value};
use serde::Serialize;

/// One query of a panel.
#[derive(Debug, PartialEq, Serialize)]
struct Query {
    /// What Grafana calls it.
    id: String,
    expr: String,
    legend: Option<String>,
    /// Whether its lines are red.
    red: bool,
}

/// What stands between `{% call %}` and `{% endcall %}`. One query has the `legend` of the call; each of several begins with a
/// line `# its legend`, or `# red: its legend` where its lines are red.
pub(crate) fn queries(text: &str, legend: Option<&str>) -> Result<Value, Error> {
    read(text, legend).map(|found| Value::from(Serde(&found)))
}

fn read(text: &str, legend: Option<&str>) -> Result<Vec<Query>, Error> {
    let mut found: Vec<(Option<&str>, String)> = vec![(legend, String::new())];
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        match line.strip_prefix('#') {
            Some(name) => found.push((Some(name.trim()), String::new())),
            None => {
                if let Some((_, expr)) = found.last_mut() {
                    expr.push_str(line);
                    expr.push('\n');
                }
            }
        }
    }
    if found.len() > 1 && found[0].1.is_empty() {
        found.remove(0);
    }
    if let Some((name, _)) = found.iter().find(|(_, expr)| expr.is_empty()) {
        let reason = match name {
            Some(name) => format!("has no PromQL for {name:?}"),
            None => "has no PromQL".to_string(),
        };
        return Err(misused(reason));
    }
    let queries = found.into_iter().enumerate();
    Ok(queries
        .map(|(index, (name, expr))| {
            let red = name.and_then(|name| name.strip_prefix("red:"));
            Query {
                id: format!("Q{}", index + 1),
                expr: one_line(&expr),
                legend: red.map(str::trim).or(name).map(str::to_string),
                red: red.is_some(),
            }
        })
        .collect())
}

fn misused(reason: String) -> Error {
    let help = "write it before `{% endcall %}`, each of several below a line `# its legend`";
    refuse(reason.clone()).with_source(Misused { reason, help })
}

/// PromQL that a template spread over lines, as the one line that Grafana's editor shows.
pub(crate) fn one_line(text: &str) -> String {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
        .replace("( ", "(")
        .replace(" )", ")")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(id: &str, expr: &str, legend: Option<&str>, red: bool) -> Query {
        Query {
            id: id.to_string(),
            expr: expr.to_string(),
            legend: legend.map(str::to_string),
            red,
        }
    }

    #[test]
    fn a_query_has_the_legend_of_the_call_or_its_own() {
        assert_eq!(
            read("\nsum(\n up\n)\n", Some("{{job}}")).unwrap(),
            [query("Q1", "sum(up)", Some("{{job}}"), false)]
        );
        assert_eq!(
            read("# a\nup\n# red: limit of {{job}}\n1 +\n2\n", None).unwrap(),
            [
                query("Q1", "up", Some("a"), false),
                query("Q2", "1 + 2", Some("limit of {{job}}"), true)
            ]
        );
    }

    #[test]
    fn a_name_without_a_query_is_refused() {
        assert!(read("# a\n# b\nup\n", None).is_err());
        assert!(read("\n", None).is_err());
    }
}
