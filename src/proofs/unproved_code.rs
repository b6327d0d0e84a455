//! The code of the collector is monstack's own, which the tests of monstack run.

use super::{Check, Example, Proof, place};
use crate::artifacts::Role;
use crate::diagnostic::{Diagnostic, Severity};

pub(crate) const PROOF: Proof = Proof {
    code: "unproved-code",
    doc: "Rules, routes, containers and panels are run when they are rendered. The collector is Python, which runs nowhere here: what its tables declare is held against the catalog, and of code that is not monstack's own nobody knows what it counts.",
    example: Example::Text {
        role: Role::Python,
        good: "lambda child: child.inc()",
        bad: "lambda child: child.inc(2)",
    },
    check: Check::Stack(|stack| {
        let differs = |file| {
            let own = stack.as_built_in(file)?;
            let (mine, theirs) = (code(&own), code(&file.text));
            let both = mine.iter().zip(&theirs);
            let same = both
                .take_while(|((_, one), (_, other))| one == other)
                .count();
            if same == mine.len().max(theirs.len()) {
                return None;
            }
            let (number, _) = theirs.get(same).or(theirs.last())?;
            let message = "from here on the collector is another than monstack's own, and nothing here runs it";
            let help = "test it where it runs, as with `monstack verify --traffic`, and accept that in `[platform]`; or leave the template as it is";
            Some(Diagnostic {
                severity: Severity::Warning,
                ..place::line(&file.path, *number, message, help)
            })
        };
        stack.files.python().filter_map(differs).collect()
    }),
};

/// The lines that Python runs, from 1.
fn code(text: &str) -> Vec<(usize, &str)> {
    let lines = text.lines().enumerate();
    let lines = lines.map(|(index, line)| (index + 1, line.trim_end()));
    let idle = |line: &str| line.is_empty() || line.starts_with('#') || line.starts_with("\"\"\"");
    lines.filter(|(_, line)| !idle(line.trim_start())).collect()
}
