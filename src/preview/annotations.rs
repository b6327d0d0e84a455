//! What a dashboard marks on every chart: the times at which its annotations' queries return something.

use super::answers::{Answers, Axis};
use super::legend::legend;
use super::plot::runs;
use super::units::clock;
use super::variables::ShownVariables;
use crate::value::Value;

pub(crate) struct Annotation {
    /// What it says: title and text, as the dashboard has them.
    pub text: String,
    /// The first of its instants.
    pub from: usize,
    pub to: usize,
}

impl Annotation {
    /// With its times, for those who do not see it.
    pub(crate) fn words(&self, axis: &Axis) -> String {
        format!(
            "{} {} to {}",
            self.text,
            clock(axis.at(self.from)),
            clock(axis.at(self.to))
        )
    }
}

/// The marks of one entry of a dashboard's `annotations`; none when it is switched off.
pub(crate) fn annotations(
    entry: &Value,
    variables: &ShownVariables,
    answers: &dyn Answers,
    axis: &Axis,
) -> Result<Vec<Annotation>, String> {
    let (Some(expression), true) = (entry["expr"].as_str(), entry["enable"] != false) else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for series in answers.range(&variables.filled(expression), axis)? {
        let part = |key: &str| legend(entry[key].as_str().unwrap_or_default(), &series.labels);
        let text = format!("{} {}", part("titleFormat"), part("textFormat"));
        found.extend(
            runs(&series.values)
                .into_iter()
                .map(|(from, values)| Annotation {
                    text: text.clone(),
                    from,
                    to: from + values.len() - 1,
                }),
        );
    }
    Ok(found)
}
