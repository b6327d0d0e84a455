//! README.md of this folder: every fault with what each tool says of it, and the totals.

use crate::seed::{Fault, Says, Verdict, root};
use std::collections::BTreeMap;
use std::fmt::Write;

/// A column: its title, and what it shows of a verdict.
type Column = (&'static str, fn(&Says) -> Option<Verdict>);

const COLUMNS: [Column; 4] = [
    ("promtool check", |says| says.promtool_check),
    ("promtool test", |says| says.promtool_test),
    ("amtool", |says| says.amtool),
    ("yamllint", |says| says.yamllint),
];

/// Compares the table with the faults; `UPDATE_GOLDEN=1` writes it instead.
pub fn check(faults: &BTreeMap<String, Fault>) {
    let path = root().join("tests/faults/README.md");
    let table = written(faults);
    if crate::update() {
        std::fs::write(&path, &table).expect("the table is writable");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == table,
        "tests/faults/README.md is not what the faults say: run this test with UPDATE_GOLDEN=1"
    );
}

fn written(faults: &BTreeMap<String, Fault>) -> String {
    let mut text = String::from(HEAD);
    let silent = faults.values().filter(|fault| fault.says.silent()).count();
    let _ = write!(
        text,
        "\n| of {} faults | reads the files of | refuses |\n| --- | --: | --: |\n",
        faults.len()
    );
    for (title, verdict) in COLUMNS {
        let read = faults
            .values()
            .filter(|fault| verdict(&fault.says).is_some())
            .count();
        let refused = faults
            .values()
            .filter(|fault| verdict(&fault.says) == Some(Verdict::Refuses))
            .count();
        let _ = writeln!(text, "| {title} | {read} | {refused} |");
    }
    let _ = writeln!(
        text,
        "| **monstack** | **{0}** | **{0}** |\n\n{silent} of the {0} are silent: promtool check, amtool and yamllint accept them or do not read them.\n",
        faults.len()
    );
    text.push_str(
        "| fault | what it does in production | promtool check | promtool test | amtool | yamllint | monstack |\n| --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for (name, fault) in faults {
        let verdicts = COLUMNS.map(|(_, verdict)| match verdict(&fault.says) {
            Some(Verdict::Accepts) => "accepts",
            Some(Verdict::Refuses) => "refuses",
            None => "–",
        });
        let _ = writeln!(
            text,
            "| [{name}]({name}.toml) | {} | {} | `{}` |",
            fault.fault.replace('|', "\\|"),
            verdicts.join(" | "),
            fault.finding
        );
    }
    text
}

const HEAD: &str = "# Seeded faults

Each file here plants one fault in the shipped catalog or its templates, says what it does in production, and which finding of
monstack stops it. `cargo test --test faults` tries them all: monstack must find each by its code and write nothing. The faulty
files are then rendered nevertheless, or planted by hand in sound ones where monstack has none to show, and the other tools judge
them; their verdicts must be those of the file, so this table is measured: one in eight at each run, all with `EVERY=1`.

- *promtool check* is `promtool check config` and `promtool check rules --lint=all --lint-fatal`.
- *promtool test* is `promtool test rules` with the first five unit tests that monstack generates for the alert that the fault is
  about, where it is about one: without them promtool has nothing to run.
- *amtool* is `amtool check-config`, *yamllint* is yamllint with its relaxed rules.
- *–*: the tool reads no file that the fault touches; none of the three reads a dashboard.

What no check of the files can find, because it is not in them: a threshold that suits nobody (`above = 0.9` where 0.5 is meant),
a service that does not emit what the catalog declares, several workers that share one port with a registry each, an address at
which something else listens, an alert whose receiver nobody reads. The first shows in the generated tests and in review, the others in the running system.
";
