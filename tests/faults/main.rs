//! Seeded faults that break a monitoring stack in silence: monstack finds every one, and what promtool, amtool and yamllint
//! say of the same files is measured. Sound variants of the catalog are found nothing wrong with.

#[path = "../referee/mod.rs"]
mod referee;
mod referees;
mod seed;
mod table;

use monstack::catalog::Catalog;
use monstack::diagnostic::Severity;
use monstack::pipeline::{Outcome, prove, prove_files};
use monstack::render::{Rendered, render};
use seed::{Changed, Edit, Fault, Sound, changed, read, replanted, root};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Rendered files by path.
type Texts = BTreeMap<String, String>;

fn texts(rendered: &Rendered) -> Texts {
    rendered
        .files
        .iter()
        .map(|file| (file.path.clone(), file.text.clone()))
        .collect()
}

fn errors(outcome: &Outcome) -> Vec<String> {
    let errors = outcome
        .diagnostics
        .iter()
        .filter(|found| found.severity == Severity::Error);
    errors
        .map(|found| format!("{}: {} ({:?})", found.code, found.message, found.place))
        .collect()
}

/// What somebody would have deployed who has no monstack: the faulty files rendered nevertheless, or written by hand.
fn deployed(fault: &Fault, outcome: &Outcome, root: &Path, sound: &Texts) -> Result<Texts, String> {
    let mut files = match &outcome.rendered {
        _ if !fault.hand.is_empty() => sound.clone(),
        Some(rendered) => texts(rendered),
        None => {
            let catalog = Catalog::load(
                &outcome.source,
                &[],
                &monstack::kinds::Kinds::built_in(),
                &monstack::profiles::Profiles::built_in(),
            )
            .map_err(|found| format!("needs [[hand]]: {}", found.message))?;
            let rendered = render(&catalog, root).expect("templates are readable");
            texts(&rendered.map_err(|found| format!("needs [[hand]]: {}", found[0].message))?)
        }
    };
    for edit in &fault.hand {
        let text = files
            .get_mut(&edit.file)
            .ok_or(format!("nothing is rendered as {}", edit.file))?;
        *text = edit.apply(text)?;
    }
    Ok(files)
}

/// What monstack says of edits, and the files where they are made by hand in what is rendered: those are judged as `monstack prove` does.
fn judged(
    changed: &Changed,
    edits: &[Edit],
    sound: &Texts,
) -> Result<(Outcome, Option<Texts>), String> {
    // What only hands change was rendered as the shipped catalog is.
    let files = if edits.iter().all(|edit| edit.rendered().is_some()) {
        replanted(edits, sound)?.unwrap_or_default()
    } else {
        let outcome = prove(&changed.catalog, &changed.root).expect("the machine lets it run");
        let rendered = outcome.rendered.as_ref().map(texts).unwrap_or_default();
        match replanted(edits, &rendered)? {
            Some(files) => files,
            None => return Ok((outcome, None)),
        }
    };
    let listed = files.clone().into_iter().collect();
    let proved = prove_files(
        &changed.catalog,
        &changed.root,
        "generated",
        listed,
        &BTreeMap::new(),
    );
    Ok((proved.expect("the machine lets it run").0, Some(files)))
}

/// Whether verdicts and table are to be written as they are measured.
fn update() -> bool {
    std::env::var_os("UPDATE_GOLDEN").is_some()
}

/// Names a folder that gets what each fault renders, for tools that are not among the referees.
const KEPT: &str = "KEEP_FILES";

/// Has the other tools judge every fault.
const EVERY: &str = "EVERY";

fn keep(folder: &Path, files: &Texts) -> std::io::Result<()> {
    for (path, text) in files {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().expect("a file is in a folder"))?;
        std::fs::write(path, text)?;
    }
    Ok(())
}

/// Whether the other tools judge a fault or a sound variant in this run. What they say changes with it and with their versions, and
/// starting them takes longer than everything else: one in eight unless all of them, some of them, or their files are asked for.
fn judged_by_others(name: &str) -> bool {
    let asked = [EVERY, KEPT, seed::ONLY];
    let asked = asked
        .iter()
        .any(|variable| std::env::var_os(variable).is_some());
    asked
        || update()
        || name
            .bytes()
            .map(usize::from)
            .sum::<usize>()
            .is_multiple_of(8)
}

/// Everything that is wrong with one fault's file.
fn judge(name: &str, fault: &Fault, sound: &Texts) -> Result<(), String> {
    let changed = changed("faults", name, &fault.edit)?;
    let (outcome, by_hand) = judged(&changed, &fault.edit, sound)?;
    let seen = outcome
        .diagnostics
        .iter()
        .any(|found| found.code == fault.finding && found.severity == Severity::Error);
    if !seen || !outcome.failed() {
        return Err(format!(
            "monstack does not find `{}`, but {:?}",
            fault.finding,
            errors(&outcome)
        ));
    }
    if !judged_by_others(name) {
        return Ok(());
    }
    let files = match by_hand {
        Some(files) => files,
        None => deployed(fault, &outcome, &changed.root, sound)?,
    };
    if let Some(kept) = std::env::var_os(KEPT) {
        keep(&Path::new(&kept).join(name), &files).map_err(|error| error.to_string())?;
    }
    let says = referees::judge(name, fault, &files, sound);
    match says == fault.says {
        true => Ok(()),
        false if update() => {
            seed::record(name, &says);
            Ok(())
        }
        false => Err(format!(
            "the referees say {says:?}, its file {:?}",
            fault.says
        )),
    }
}

/// Runs a check on every item, on as many cores as there are; what went wrong, by name.
fn each<T: Sync>(
    items: &BTreeMap<String, T>,
    check: impl Fn(&str, &T) -> Result<(), String> + Sync,
) -> Vec<String> {
    let list: Vec<(&String, &T)> = items.iter().collect();
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while let Some((name, item)) = list.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(reason) = check(name, item) {
                        wrong
                            .lock()
                            .expect("no thread has panicked")
                            .push(format!("{name}: {reason}"));
                    }
                }
            });
        }
    });
    let mut wrong = wrong.into_inner().expect("no thread has panicked");
    wrong.sort();
    wrong
}

/// What the shipped catalog renders.
fn sound() -> Texts {
    let own =
        std::fs::read_to_string(root().join("services.toml")).expect("the catalog is readable");
    texts(
        &prove(&own, root())
            .expect("the machine lets it run")
            .rendered
            .expect("the catalog renders"),
    )
}

#[test]
fn every_fault_is_found_and_the_others_judge_as_written() {
    referees::present();
    let faults: BTreeMap<String, Fault> = read("faults");
    let sound = sound();
    let wrong = each(&faults, |name, fault| judge(name, fault, &sound));
    assert!(
        wrong.is_empty(),
        "{} of {} faults:\n{}",
        wrong.len(),
        faults.len(),
        wrong.join("\n")
    );
    if std::env::var_os(seed::ONLY).is_none() {
        table_is_true();
    }
}

/// Read again, because the verdicts may just have been written.
fn table_is_true() {
    let faults: BTreeMap<String, Fault> = read("faults");
    let silent = faults.values().filter(|fault| fault.says.silent()).count();
    assert!(silent >= 60, "only {silent} of the faults are silent");
    table::check(&faults);
}

/// Or a test that no rules pass would be taken for one that bites.
#[test]
fn the_generated_tests_that_judge_faults_accept_sound_rules() {
    referees::present();
    let (faults, sound): (BTreeMap<String, Fault>, Texts) = (read("faults"), sound());
    let rules = |alert: &str| {
        sound.values().any(|text| {
            text.contains(&format!("- alert: {alert}\n"))
                || text.contains(&format!("- alert: \"{alert}\"\n"))
        })
    };
    let alerts: BTreeMap<String, ()> = faults
        .into_values()
        .filter_map(|fault| fault.tests)
        .filter(|alert| rules(alert))
        .map(|alert| (alert, ()))
        .collect();
    assert!(
        alerts.len() >= 5,
        "only the alerts {alerts:?} of the catalog have tests that judge a fault"
    );
    let refused = each(&alerts, |alert, ()| referees::accept_tests(alert, &sound));
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}

#[test]
fn sound_variants_are_found_nothing_wrong_with() {
    referees::present();
    let variants: BTreeMap<String, Sound> = read("sound");
    assert!(
        variants.len() >= 20 || std::env::var_os(seed::ONLY).is_some(),
        "only {} sound variants",
        variants.len()
    );
    let shipped = sound();
    let wrong = each(&variants, |name, variant| {
        let changed = changed("sound", name, &variant.edit)?;
        let (outcome, by_hand) = judged(&changed, &variant.edit, &shipped)?;
        let errors = errors(&outcome);
        if !errors.is_empty() {
            return Err(format!("{}: {}", variant.variant, errors.join("; ")));
        }
        if !judged_by_others(name) {
            return Ok(());
        }
        let rendered = || texts(outcome.rendered.as_ref().expect("nothing stopped it"));
        referees::accept(name, &by_hand.unwrap_or_else(rendered))
    });
    assert!(
        wrong.is_empty(),
        "{} of {} variants:\n{}",
        wrong.len(),
        variants.len(),
        wrong.join("\n")
    );
}

/// The whole program, once: a fault in the catalog and one in a template leave what is on disk as it was.
#[test]
fn a_fault_renders_nothing() {
    let faults: BTreeMap<String, Fault> = read("faults");
    for name in ["alert-on-undeclared-metric", "rule-file-not-loaded"] {
        let changed = changed("render", name, &faults[name].edit).expect("its edits fit");
        std::fs::write(changed.root.join("services.toml"), &changed.catalog)
            .expect("the folder is writable");
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_monstack"))
            .arg("render")
            .arg("--root")
            .arg(&changed.root)
            .output();
        assert_eq!(
            output.expect("monstack starts").status.code(),
            Some(1),
            "{name}"
        );
        assert!(
            !changed.root.join("generated").exists(),
            "{name} is rendered"
        );
    }
}
