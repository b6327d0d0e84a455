//! Every lint and every proof finds its own bad example, and nothing at all in the good one.

use monstack::artifacts::ARTIFACTS;
use monstack::diagnostic::{Diagnostic, Place, Severity, folded};
use monstack::json;
use monstack::lints::{EXAMPLE, LINTS, example};
use monstack::overlay::Overlay;
use monstack::pipeline::{Outcome, load, prove};
use monstack::proofs::{self, Example, PROOFS};
use monstack::render::{self, Rendered};
use monstack::value::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

fn own_root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn outcome(catalog: &str, root: &Path) -> Outcome {
    prove(catalog, root).expect("the machine lets it run")
}

fn codes(outcome: &Outcome) -> Vec<&'static str> {
    outcome
        .diagnostics
        .iter()
        .map(|diagnostic| diagnostic.code)
        .collect()
}

/// What was found, but for warnings that another check is responsible for.
fn errors(outcome: &Outcome) -> Vec<String> {
    let errors = outcome
        .diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.severity == Severity::Error);
    errors
        .map(|diagnostic| {
            format!(
                "{}: {} ({:?})",
                diagnostic.code, diagnostic.message, diagnostic.place
            )
        })
        .collect()
}

/// An alert of kind `promql` with this condition, and two tests, beside metrics that the examples read.
fn with_condition(expr: &str) -> String {
    let metrics = "[metrics.answer_seconds]\ntype = \"histogram\"\nhelp = \"Time to answer\"\n\n";
    let tests = "tests = [\n  { name = \"fires\", at = \"10m\", series = { up = \"1x20\" }, fires = [\"checkout\"] },\n  { name = \"silent\", at = \"10m\", series = { up = \"1x20\" } },\n]\n";
    format!(
        "{EXAMPLE}{metrics}[alerts.Example]\nkind = \"promql\"\nexpr = '{expr}'\nfor = \"5m\"\nseverity = \"warning\"\n{tests}"
    )
}

/// A catalog that uses every kind, so that every template has something to render.
fn full() -> String {
    let text = fs::read_to_string(own_root().join("services.toml")).unwrap();
    text.replacen(
        "[platform]\n",
        "[platform]\nrunbook_url = \"https://git.example.org/RUNBOOK.md\"\n",
        1,
    )
}

/// Tries every one, on as many cores as there are; fails with everything that went wrong.
fn each<T: Sync>(items: &[T], check: impl Fn(&T) -> Result<(), String> + Sync) {
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(reason) = check(item) {
                        wrong.lock().unwrap().push(reason);
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        items.len(),
        wrong.join("\n")
    );
}

fn finds(code: &str, bad: &str) -> Result<(), String> {
    let found = outcome(bad, &own_root());
    match codes(&found).contains(&code) {
        true => Ok(()),
        false => Err(format!(
            "{code} does not find its example: {:?}",
            errors(&found)
        )),
    }
}

/// `despite`: a code that the example is not about.
fn accepts(code: &str, good: &str, despite: Option<&str>) -> Result<(), String> {
    let outcome = outcome(good, &own_root());
    let mut errors = errors(&outcome);
    errors.retain(|error| despite.is_none_or(|despite| !error.starts_with(despite)));
    match errors.is_empty() && !codes(&outcome).contains(&code) {
        true => Ok(()),
        false => Err(format!("{code}: the good example: {errors:?}")),
    }
}

#[test]
fn lints_find_their_examples() {
    each(LINTS, |lint| {
        finds(lint.code, &example(lint.bad))?;
        accepts(lint.code, &example(lint.good), None)
    });
}

#[test]
fn proofs_find_their_conditions() {
    each(PROOFS, |proof| {
        let (bad, good) = match proof.example {
            Example::Condition { bad, good } => (with_condition(bad), with_condition(good)),
            Example::Catalog { bad, good } => {
                (format!("{EXAMPLE}{bad}"), format!("{EXAMPLE}{good}"))
            }
            Example::Rendered { .. } | Example::Text { .. } => return Ok(()),
        };
        finds(proof.code, &bad)?;
        // The tests around a condition are about none in particular, so they fail.
        let despite = matches!(proof.example, Example::Condition { .. }).then_some("test-fails");
        accepts(proof.code, &good, despite)
    });
}

/// Puts a value into a document, or takes the key away.
fn set(document: &mut Value, pointer: &str, value: Option<Value>) {
    let (parent, key) = pointer.rsplit_once('/').expect("it is not the whole file");
    match (document.pointer_mut(parent).expect("it is there"), value) {
        (Value::Object(map), Some(value)) => drop(map.insert(key.to_string(), value)),
        (Value::Object(map), None) => drop(map.remove(key)),
        (Value::Array(list), value) => {
            let index: usize = key.parse().expect("lists have indices");
            list.splice(index..list.len().min(index + 1), value);
        }
        (other, _) => panic!("{other} has no parts"),
    }
}

#[test]
fn proofs_find_their_values_and_no_other_proof_does() {
    let Ok((_, catalog)) = load("example", &proofs::example::catalog()) else {
        panic!("the catalog of the examples is refused");
    };
    let rendered = render::with(&catalog, &Overlay::default(), ARTIFACTS).unwrap();
    let Ok(mut rendered) = rendered else {
        panic!("the catalog of the examples is not rendered");
    };
    let of = |rendered: &Rendered| -> Vec<(&str, String)> {
        let found = folded(proofs::inspect(&catalog, rendered)).into_iter();
        found.map(|found| (found.code, found.message)).collect()
    };
    assert_eq!(of(&rendered), [], "as it is rendered, nothing is found");
    let found = |rendered: &mut Rendered| {
        let seen = of(rendered);
        if !seen.is_empty() {
            return seen;
        }
        // What is only held against monstack's own templates is that of others.
        rendered.by_others = true;
        let seen = of(rendered);
        rendered.by_others = false;
        seen
    };
    let mut wrong = Vec::new();
    for proof in PROOFS {
        if let Example::Text { role, good, bad } = proof.example {
            let mut files = rendered.files.iter_mut();
            let file = files.find(|file| file.role == role && file.text.contains(good));
            let file = file.unwrap_or_else(|| panic!("{}: nothing says {good:?}", proof.code));
            let path = file.path.clone();
            let otherwise = file.text.replacen(good, bad, 1);
            let text = std::mem::replace(&mut file.text, otherwise);
            let found = found(&mut rendered);
            if found.is_empty() || found.iter().any(|(code, _)| *code != proof.code) {
                wrong.push(format!("{}: {found:#?}", proof.code));
            }
            let mut files = rendered.files.iter_mut();
            files
                .find(|file| file.path == path)
                .expect("it is still there")
                .text = text;
            continue;
        }
        let Example::Rendered { role, pointer, bad } = proof.example else {
            continue;
        };
        let bad = (!bad.is_empty()).then(|| serde_json::from_str(bad).expect("it is JSON"));
        let mut before = Vec::new();
        for (index, place) in proofs::example::places(&rendered, role, pointer) {
            let file = &mut rendered.files[index];
            let mut value = file.value.as_ref().clone();
            set(&mut value, &place, bad.clone());
            // JSON is YAML too.
            let text = std::mem::replace(&mut file.text, json::print(&value));
            let value = std::mem::replace(&mut file.value, Arc::new(value));
            before.push((index, text, value));
        }
        let seen = found(&mut rendered);
        if seen.is_empty() || seen.iter().any(|(code, _)| *code != proof.code) {
            wrong.push(format!("{} at {pointer}: {seen:#?}", proof.code));
        }
        for (index, text, value) in before {
            (rendered.files[index].text, rendered.files[index].value) = (text, value);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The first error of the whole catalog when a line of a template is written otherwise.
fn error(name: &str, file: &str, line: &str, otherwise: &str) -> Diagnostic {
    let root = copy_of_templates(name);
    let path = root.join("templates").join(file);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(line), "{file} does not contain {line:?}");
    fs::write(&path, text.replacen(line, otherwise, 1)).unwrap();
    let found = outcome(&full(), &root).diagnostics;
    fs::remove_dir_all(root).unwrap();
    found
        .into_iter()
        .find(|found| found.severity == Severity::Error)
        .expect("it finds something")
}

/// What is written, what instead, the line that is named, what is said and what to do.
type Call = [&'static str; 6];

/// Each in a row, where the call is; nothing here is a mistake of the shared file that the macro stands in.
const CALLS: [Call; 11] = [
    [
        "overview.yml",
        "unit=\"none\", above=[1]",
        "unit=\"none\", abov=[1]",
        "abov=",
        "`stat` of the panel \"Services down\" has no argument `abov`",
        "did you mean `above`?",
    ],
    [
        "overview.yml",
        "title=\"Services up\", ",
        "",
        "{% call stat(dashboard, key=\"overview/up\"",
        "`stat` of the panel with the key \"overview/up\" is called without `title`",
        "add `title=…` to this call",
    ],
    [
        "memory.yml",
        "    unit=\"bytes\", min=0,",
        "    min=0,",
        "{% call timeseries(dashboard, key=scope ~ \"/memory\"",
        "`timeseries` of the panel \"Memory\" is called without `unit`",
        "add `unit=…` to this call",
    ],
    [
        "service.yml",
        "title=\"CPU and its limit\",\n    description=",
        "title=\"CPU and its limit\",\n    text=",
        "    text=",
        "`timeseries` of the panel \"CPU and its limit\" has no argument `text`",
        "choose one of `",
    ],
    [
        "memory.yml",
        "unit=\"bytes\"",
        "unit=byts",
        "unit=byts",
        "`timeseries` of the panel \"Memory\" is given a `unit` that is undefined",
        "correct the name of what is given",
    ],
    [
        "overview.yml",
        "    unit=\"percentunit\", base=\"red\", steps=[[\"orange\", 0.99], [\"green\", 0.999]]",
        "    unit=\"percentunit\", base=\"red\", steps=[\"orange\", 0.99]",
        "    unit=\"percentunit\", base=\"red\", steps=[\"orange\", 0.99]",
        "`stat` of the panel \"Availability\" is given a list that does not fit as its `steps`",
        "`steps` is a list of colours with the value from which each holds",
    ],
    [
        "cpu.yml",
        "min=0",
        "min=\"0\"",
        "min=\"0\"",
        "`timeseries` of the panel \"CPU, cores\" is given \"0\" as its `min`",
        "`min` is a number",
    ],
    [
        "alerts.yml",
        "grid.line([12, 12], 9)",
        "grid.line([24], 9)",
        "{% call table(dashboard, key=dashboard.name ~ \"/history\"",
        "`table` of the panel \"Alerts in the time shown\" finds no place left in the grid",
        "ask for one more above this call",
    ],
    [
        "scrapes.yml",
        "key=\"service/scrape/files\"",
        "key=\"service/scraped\"",
        "{% call timeseries(dashboard, key=\"service/scraped\"",
        "`timeseries` of the panel \"Open files\" has the key \"service/scraped\", and so has another",
        "give it a key of its own",
    ],
    [
        "memory.yml",
        "topk(20, sum by (job) (\n{% call(known) of_role(among, \"memory\") %}\n<< series(known, raw) >>\n{% endcall %}\n))\n",
        "",
        "{% call timeseries(dashboard, key=scope ~ \"/memory\"",
        "`timeseries` of the panel \"Memory\" has no PromQL",
        "write it before `{% endcall %}`",
    ],
    [
        "now.yml",
        "<< failed(counter, matchers=raw) >>",
        "<< failed(counter) >>",
        "<< failed(counter) >>",
        "`failed` is called without `matchers`",
        "add `matchers=…` to this call",
    ],
];

#[test]
fn a_mistake_in_a_call_is_named_at_the_line_of_the_row() {
    let numbered: Vec<(usize, Call)> = CALLS.into_iter().enumerate().collect();
    each(&numbered, |(number, call)| {
        let [row, line, otherwise, named, said, to_do] = *call;
        let file = format!("monitoring/grafana/dashboards/rows/{row}");
        let found = error(&format!("call-{number}"), &file, line, otherwise);
        let there = matches!(&found.place, Place::Line { file: at, text, .. } if at.ends_with(&file) && text.contains(named));
        let help = found.help.contains(to_do);
        match there && found.message.contains(said) && help {
            true => Ok(()),
            false => Err(format!("{otherwise:?}: {found:?}")),
        }
    });
}

#[test]
fn a_mistake_in_a_panel_is_named_where_it_was_made_and_at_the_row_with_its_title() {
    let rows = "monitoring/grafana/dashboards/rows";
    let named = |folder: &str, row: &str, from: &str, to: &str, title: &str| {
        let found = error(folder, &format!("{rows}/{row}"), from, to);
        let has = |place: &Place, words: &str| matches!(place, Place::Line { file, text, .. } if file.ends_with(row) && text.contains(words));
        assert!(has(&found.place, to), "{found:?}");
        assert!(
            found.others.iter().any(|(place, _)| has(place, title)),
            "{found:?}"
        );
    };
    named(
        "misspelt-metric",
        "memory.yml",
        "<< series(known, raw) >>",
        "process_resident_memory_byte{<< raw >>}",
        "title=\"Memory\"",
    );
    // A query that is given by name, on several lines.
    named(
        "misspelt-limit",
        "service.yml",
        "_cpu_limit_cores:catalog{",
        "_cpu_limit_core:catalog{",
        "title=\"CPU and its limit\"",
    );
}

/// A kind of a user's own, with another unit than a ratio.
#[test]
fn a_kind_of_ones_own_is_drawn_and_documented_with_its_unit() {
    let root = copy_of_templates("own-kind");
    let kind = root.join("templates/kinds/too_old");
    copy(&root.join("templates/kinds/cpu_ratio"), &kind);
    let text = fs::read_to_string(kind.join("kind.toml")).unwrap();
    let text = text
        .replace("panel = \"cpu\"", "panel = \"service\"")
        .replace(
            "ref = \"ratio\"\nunit = \"ratio\"",
            "type = \"number\"\nunit = \"seconds\"",
        )
        .split("[[faults]]")
        .next()
        .unwrap_or_default()
        .to_string();
    fs::write(kind.join("kind.toml"), text).unwrap();
    let catalog = full()
        + "\n[alerts.TooOld]\nkind = \"too_old\"\nabove = 2.5\nwindow = \"5m\"\nfor = \"5m\"\nseverity = \"warning\"\n";
    let found = outcome(&catalog, &root);
    let wrong: Vec<String> = errors(&found)
        .into_iter()
        .filter(|error| !error.starts_with("impossible-threshold"))
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    let rendered = found.rendered.expect("it renders");
    let text = |end: &str| {
        let file = rendered.files.iter().find(|file| file.path.ends_with(end));
        &file.expect("it is rendered").text
    };
    assert!(text("RUNBOOK.md").contains("above 2.5s"));
    for dashboard in ["-overview.json", "-service.json"] {
        let (before, _) = text(dashboard)
            .split_once("TooOld fires above 2.5s for 5m.")
            .unwrap_or_else(|| panic!("{dashboard} draws it"));
        assert!(!before.is_empty());
    }
    fs::remove_dir_all(root).unwrap();
}

#[test]
fn codes_are_unique_and_name_their_files() {
    let mut seen = Vec::new();
    let lints = LINTS.iter().map(|lint| ("lints", lint.code, lint.doc));
    let proofs = PROOFS.iter().map(|proof| ("proofs", proof.code, proof.doc));
    for (folder, code, doc) in lints.chain(proofs) {
        assert!(!seen.contains(&code), "{code} stands twice");
        seen.push(code);
        assert!(
            doc.ends_with('.') || doc.ends_with('?'),
            "{code}: its doc is a sentence"
        );
        let folder = own_root().join("src").join(folder);
        let named = fs::read_dir(&folder).unwrap().any(|entry| {
            fs::read_to_string(entry.unwrap().path())
                .is_ok_and(|text| text.contains(&format!("code: \"{code}\"")))
        });
        assert!(named, "{code} stands in no file of {}", folder.display());
    }
}

fn copy_of_templates(name: &str) -> PathBuf {
    let root = own_root().join("target/tmp/checks").join(name);
    let _ = fs::remove_dir_all(&root);
    copy(&own_root().join("templates"), &root.join("templates"));
    root
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &to.join(entry.file_name())),
            false => drop(fs::copy(entry.path(), to.join(entry.file_name())).unwrap()),
        }
    }
}
