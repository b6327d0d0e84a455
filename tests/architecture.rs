//! The promises of the layout: forgetting half of a change fails here, with a sentence.

use monstack::artifacts::ARTIFACTS;
use monstack::diagnostic::Severity;
use monstack::lints::LINTS;
use monstack::pipeline::prove;
use monstack::proofs::PROOFS;
use monstack::value::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Path under the project → text, of every file below a folder.
fn texts(folder: &str) -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = BTreeMap::new();
    let mut folders = vec![root.join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("the folder is there") {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path
                    .strip_prefix(root)
                    .unwrap()
                    .to_string_lossy()
                    .into_owned();
                found.insert(name, fs::read_to_string(&path).expect("it is text"));
            }
        }
    }
    found
}

/// Path under templates/ → text.
fn templates() -> BTreeMap<String, String> {
    texts("templates")
        .into_iter()
        .map(|(path, text)| (path["templates/".len()..].to_string(), text))
        .collect()
}

/// Rust sources only, without their comments.
fn sources() -> BTreeMap<String, String> {
    let code = |text: String| {
        text.lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .map(|line| format!("{line}\n"))
            .collect()
    };
    texts("src")
        .into_iter()
        .filter(|(path, _)| path.ends_with(".rs"))
        .map(|(path, text)| (path, code(text)))
        .collect()
}

/// The word at the beginning of a text.
fn word(text: &str) -> &str {
    let end = text
        .find(|character: char| !character.is_alphanumeric() && character != '_')
        .unwrap_or(text.len());
    &text[..end]
}

fn none(what: &str, wrong: &[String]) {
    assert!(wrong.is_empty(), "{what}:\n{}", wrong.join("\n"));
}

/// What a template includes or imports; `None` is where the name is only known when it is rendered.
fn included(text: &str) -> Vec<Vec<Option<String>>> {
    let tags = text
        .split("{%")
        .skip(1)
        .map(|rest| rest.split("%}").next().unwrap_or_default().trim());
    let names = tags.filter_map(|tag| {
        ["include ", "import ", "from ", "extends "]
            .iter()
            .find_map(|keyword| tag.strip_prefix(keyword))
    });
    let part = |part: &str| {
        part.trim()
            .strip_prefix('"')
            .and_then(|rest| rest.split('"').next())
            .map(str::to_string)
    };
    names
        .map(|name| {
            name.split(" as ")
                .next()
                .unwrap_or_default()
                .split('~')
                .map(part)
                .collect()
        })
        .collect()
}

/// Whether a file has this name, with one folder or word at every place that is not known.
fn matches(name: &[Option<String>], file: &str) -> bool {
    match name {
        [] => file.is_empty(),
        [Some(literal), rest @ ..] => file
            .strip_prefix(literal.as_str())
            .is_some_and(|file| matches(rest, file)),
        [None, rest @ ..] => (1..=file.find('/').unwrap_or(file.len()))
            .any(|end| file.is_char_boundary(end) && matches(rest, &file[end..])),
    }
}

/// The kinds of alerts that the schema accepts.
fn kinds() -> BTreeSet<String> {
    fn walk(value: &Value, found: &mut BTreeSet<String>) {
        found.extend(
            value["properties"]["kind"]["const"]
                .as_str()
                .map(str::to_string),
        );
        match value {
            Value::Object(map) => map.values().for_each(|value| walk(value, found)),
            Value::Array(list) => list.iter().for_each(|value| walk(value, found)),
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    walk(
        &serde_json::from_str(monstack::catalog::schema::TEXT).expect("the schema is JSON"),
        &mut found,
    );
    found
}

#[test]
fn every_template_is_an_artifact_or_included_by_one() {
    let templates = templates();
    let mut used: BTreeSet<&str> = BTreeSet::new();
    let mut open: Vec<&str> = ARTIFACTS.iter().map(|artifact| artifact.template).collect();
    while let Some(name) = open.pop() {
        let Some((name, text)) = templates.get_key_value(name) else {
            panic!("templates/{name} is used and not there")
        };
        if used.insert(name) {
            for wanted in included(text) {
                let found: Vec<&str> = templates
                    .keys()
                    .map(String::as_str)
                    .filter(|file| matches(&wanted, file))
                    .collect();
                assert!(
                    !found.is_empty(),
                    "templates/{name} includes {wanted:?}, and there is no such template"
                );
                open.extend(found);
            }
        }
    }
    let data = |name: &&String| name.ends_with("/kind.toml");
    let left: Vec<String> = templates
        .keys()
        .filter(|name| !used.contains(name.as_str()) && !data(name))
        .map(|name| format!("templates/{name}"))
        .collect();
    none("nothing renders or includes", &left);
    let outputs: BTreeSet<&str> = ARTIFACTS.iter().map(|artifact| artifact.output).collect();
    assert_eq!(
        outputs.len(),
        ARTIFACTS.len(),
        "two artifacts write the same file"
    );
}

#[test]
fn every_kind_is_a_whole_folder_of_templates_and_an_entry_of_the_schema() {
    let templates = templates();
    let folders: BTreeSet<String> = templates
        .keys()
        .filter_map(|name| Some(name.strip_prefix("kinds/")?.split_once('/')?.0.to_string()))
        .collect();
    // The alerts of `[slos]` are of a kind that nobody writes.
    let derived =
        |kind: &String| templates[&format!("kinds/{kind}/kind.toml")].contains("\nslos = true\n");
    assert_eq!(
        folders
            .iter()
            .filter(|kind| !derived(kind))
            .cloned()
            .collect::<BTreeSet<_>>(),
        kinds(),
        "left: the folders of templates/kinds/, right: the kinds of src/catalog.schema.json"
    );
    let files = |kind: &String| -> Vec<&str> {
        templates
            .keys()
            .filter_map(|name| {
                name.strip_prefix("kinds/")?
                    .strip_prefix(kind.as_str())?
                    .strip_prefix('/')
            })
            .collect()
    };
    for wanted in templates.values().flat_map(|text| included(text)) {
        let [Some(before), None, Some(file)] = wanted.as_slice() else {
            continue;
        };
        if before == "kinds/" {
            let without: Vec<String> = folders
                .iter()
                .filter(|kind| !files(kind).contains(&&file[1..]))
                .map(|kind| format!("templates/kinds/{kind}{file}"))
                .collect();
            none("a kind lacks a template that every kind has", &without);
        }
    }
}

/// Prose in Markdown and in comments, and Python, which has its own rules, may be wider.
#[test]
fn lines_of_templates_fit_a_screen() {
    let mut wrong = Vec::new();
    for (name, text) in templates() {
        let prose = name.ends_with(".md") || name.ends_with(".py");
        let long = (1..)
            .zip(text.lines())
            .filter(|(_, line)| line.chars().count() > 160 && !prose && !line.starts_with('#'));
        wrong.extend(long.map(|(number, _)| format!("templates/{name}:{number}")));
    }
    none("break the line; a hole may go over several", &wrong);
}

#[test]
fn macros_of_several_files_are_checked_where_they_are_called() {
    let mut wrong = Vec::new();
    for (name, text) in templates() {
        // One of an artifact is called in its own file alone.
        if ARTIFACTS.iter().any(|artifact| artifact.template == name) {
            continue;
        }
        let declared = text.split("{% macro ").skip(1);
        let names = declared.filter_map(|declared| Some(declared.split_once('(')?.0));
        let unchecked =
            names.filter(|one| !text.contains(&format!("{{% set {one} = checked({one}) %}}")));
        wrong.extend(unchecked.map(|one| format!("templates/{name}: {one}")));
    }
    none(
        "write `{% set x = checked(x) %}` behind the macro x",
        &wrong,
    );
}

#[test]
fn no_template_knows_a_kind_by_its_name() {
    let mut wrong = Vec::new();
    for (name, text) in templates() {
        if name.starts_with("kinds/") {
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            let named = kinds().into_iter().filter(|kind| {
                line.contains(&format!("\"{kind}\"")) || line.contains(&format!("'{kind}'"))
            });
            wrong.extend(named.map(|kind| format!("templates/{name}:{}: {kind}", number + 1)));
        }
    }
    none(
        "ask what the kind says in its kind.toml: `alert.kind.panel`, `alert.kind.holds_back_others`, `alert.roles`",
        &wrong,
    );
}

#[test]
fn templates_never_bypass_escaping() {
    let mut wrong = Vec::new();
    for (name, text) in templates() {
        // In Markdown, single quotes are those of a shell command, and what the schema lets into an address or a path cannot end them.
        let quotes: &[&str] = if name.ends_with(".md") {
            &[]
        } else {
            &["'<<", ">>'"]
        };
        for (number, line) in text.lines().enumerate() {
            let line: String = line.split_whitespace().collect();
            let forbidden = ["|safe", "autoescape", "\"<<", ">>\"", "{%-", "-%}"]
                .iter()
                .chain(quotes);
            wrong.extend(
                forbidden
                    .filter(|one| line.contains(**one))
                    .map(|one| format!("templates/{name}:{}: {one}", number + 1)),
            );
        }
    }
    none(
        "a hole writes its own quotes; build the text with `~`, and write words without quotes with `| bare`",
        &wrong,
    );
}

/// The modules of `src/`, in the order in which both roots list them.
fn rooms() -> Vec<String> {
    ["src/core.rs", "src/lib.rs"]
        .iter()
        .flat_map(|root| {
            let text = fs::read_to_string(root).unwrap();
            let modules = text.lines().filter_map(|line| {
                line.strip_prefix("pub mod ")
                    .or(line.strip_prefix("pub(crate) mod "))
            });
            modules
                .map(|line| word(line).to_string())
                .collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn modules_use_only_those_above_them() {
    let sources = sources();
    let order = rooms();
    assert!(order.len() > 10, "the roots list the modules: {order:?}");
    let at = |module: &str| order.iter().position(|known| known == module);
    let mut wrong = Vec::new();
    for (path, text) in &sources {
        let module = word(&path["src/".len()..]);
        let Some(own) = at(module) else { continue };
        for rest in text.split("crate::").skip(1) {
            // `use crate::{a, b::c};` names several at once.
            let list = rest
                .strip_prefix('{')
                .map_or(rest, |rest| rest.split('}').next().unwrap_or_default());
            let names: Vec<&str> = if rest.starts_with('{') {
                list.split(',').map(|name| word(name.trim())).collect()
            } else {
                vec![word(list)]
            };
            let below = names
                .into_iter()
                .filter(|name| at(name).is_none_or(|other| other > own));
            wrong.extend(below.map(|name| format!("{path} uses crate::{name}")));
        }
    }
    let known = ["core", "lib", "main"];
    let unlisted = sources
        .keys()
        .map(|path| word(&path["src/".len()..]))
        .filter(|module| at(module).is_none() && !known.contains(module));
    wrong.extend(unlisted.map(|module| format!("no root lists {module}")));
    none(
        "each module uses only those above it in src/core.rs and src/lib.rs",
        &wrong,
    );
}

/// The module that a source file is, from the crate's root.
fn module(path: &str) -> Vec<String> {
    let path = path
        .strip_prefix("src/")
        .and_then(|path| path.strip_suffix(".rs"));
    path.unwrap_or_default()
        .split('/')
        .map(str::to_string)
        .collect()
}

/// What a tree of a `use` names, or a path in an expression: `a::{b, c::d as e}` is `a::b` and `a::c::d`, known here as `e`.
fn named(text: &str, before: &[String], found: &mut Vec<(Vec<String>, String)>) {
    let text = text.trim_start();
    if let Some(list) = text.strip_prefix('{') {
        let (mut depth, mut start) = (0, 0);
        for (at, letter) in list.char_indices() {
            if depth == 0 && (letter == ',' || letter == '}') {
                named(&list[start..at], before, found);
                start = at + 1;
            }
            depth += i32::from(letter == '{') - i32::from(letter == '}');
            if depth < 0 {
                break;
            }
        }
        return;
    }
    let step = word(text);
    if step.is_empty() {
        return;
    }
    let rest = text[step.len()..].trim_start();
    let mut path = before.to_vec();
    match step {
        "crate" => path.clear(),
        "super" => drop(path.pop()),
        "self" => {}
        step => path.push(step.to_string()),
    }
    match rest.strip_prefix("::") {
        Some(inside) => named(inside, &path, found),
        None => {
            let alias = rest.strip_prefix("as ").map(word);
            let name = alias.unwrap_or(path.last().map_or("", String::as_str));
            found.push((path.clone(), name.to_string()));
        }
    }
}

/// Every path of this crate that a source names, with the name that it has there.
fn names(own: &[String], code: &str) -> Vec<(Vec<String>, String)> {
    let code = code.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let mut found = Vec::new();
    for start in ["crate::", "super::", "self::"] {
        for (at, _) in code.match_indices(start) {
            let before = &code[..at];
            let goes_on = before.ends_with("::")
                || before.ends_with(|letter: char| letter.is_alphanumeric() || letter == '_');
            if !goes_on {
                named(&code[at..], own, &mut found);
            }
        }
    }
    // A module's own children need no `self::`.
    for line in code
        .split(';')
        .filter_map(|line| line.trim().split_once("use "))
    {
        if ["", "pub ", "pub(crate) ", "pub(super) "].contains(&line.0)
            && !["crate", "super", "self"].contains(&word(line.1))
        {
            named(line.1, own, &mut found);
        }
    }
    found
}

/// Modules that use each other, all of one circle together.
fn circles(edges: &BTreeMap<String, BTreeSet<String>>) -> BTreeSet<Vec<String>> {
    let reached = |from: &String| {
        let mut seen: BTreeSet<&String> = BTreeSet::new();
        let mut open: Vec<&String> = edges.get(from).into_iter().flatten().collect();
        while let Some(next) = open.pop() {
            if seen.insert(next) {
                open.extend(edges.get(next).into_iter().flatten());
            }
        }
        seen
    };
    let all: BTreeMap<&String, BTreeSet<&String>> =
        edges.keys().map(|from| (from, reached(from))).collect();
    let circle = |from: &&String| -> Vec<String> {
        let back = all[*from]
            .iter()
            .filter(|to| all.get(**to).is_some_and(|reached| reached.contains(*from)));
        back.map(|to| to.to_string()).collect()
    };
    all.keys()
        .map(circle)
        .filter(|circle| !circle.is_empty())
        .collect()
}

#[test]
fn no_modules_of_a_room_use_each_other_in_a_circle() {
    let sources = sources();
    let modules: BTreeSet<Vec<String>> = sources.keys().map(|path| module(path)).collect();
    let known: BTreeMap<Vec<String>, Vec<(Vec<String>, String)>> = sources
        .iter()
        .map(|(path, text)| (module(path), names(&module(path), text)))
        .collect();
    // What a module only passes on is where it comes from.
    let origin = |path: &[String]| -> Vec<String> {
        let mut path = path.to_vec();
        for _ in 0..5 {
            let Some(end) = (0..=path.len())
                .rev()
                .find(|end| modules.contains(&path[..*end]))
            else {
                break;
            };
            let passed = path.get(end).and_then(|name| {
                known[&path[..end]]
                    .iter()
                    .find(|(other, alias)| alias == name && other[..] != path[..=end])
            });
            match passed {
                Some((other, _)) => path = other.iter().chain(&path[end + 1..]).cloned().collect(),
                None => return path[..end].to_vec(),
            }
        }
        path
    };
    let mut edges: BTreeMap<Vec<String>, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
    for (own, names) in &known {
        for (path, _) in names {
            let used = origin(path);
            let shared = own.iter().zip(&used).take_while(|(a, b)| a == b).count();
            // At the top, the order of the roots says more.
            if let (1.., Some(from), Some(to)) = (shared, own.get(shared), used.get(shared)) {
                let siblings = edges.entry(own[..shared].to_vec()).or_default();
                siblings.entry(from.clone()).or_default().insert(to.clone());
            }
        }
    }
    assert!(edges.len() > 10, "the modules are read: {edges:?}");
    let wrong: Vec<String> = edges
        .iter()
        .flat_map(|(room, edges)| {
            let circle =
                |circle: Vec<String>| format!("{}: {}", room.join("::"), circle.join(", "));
            circles(edges).into_iter().map(circle)
        })
        .collect();
    none(
        "modules use each other in a circle: one of them has something that belongs below both",
        &wrong,
    );
}

#[test]
fn a_circle_is_seen_through_what_a_module_passes_on() {
    let mut found = Vec::new();
    named("crate::a::{self, b::{C, D as E}, f}", &[], &mut found);
    let found: Vec<String> = found
        .iter()
        .map(|(path, name)| format!("{}={name}", path.join(".")))
        .collect();
    assert_eq!(found, ["a=a", "a.b.C=C", "a.b.D=E", "a.f=f"]);
    let edge = |from: &str, to: &str| (from.to_string(), BTreeSet::from([to.to_string()]));
    let edges = BTreeMap::from([edge("a", "b"), edge("b", "c"), edge("c", "b")]);
    assert_eq!(
        circles(&edges).into_iter().collect::<Vec<_>>(),
        [["b", "c"]]
    );
}

#[test]
fn only_promql_parses_and_walks_promql() {
    let named = |(path, text): &(&String, &String)| {
        !path.starts_with("src/promql") && text.contains("promql_parser")
    };
    let sources = sources();
    let wrong: Vec<String> = sources
        .iter()
        .filter(named)
        .map(|(path, _)| path.clone())
        .collect();
    none("its types are re-exported from crate::promql", &wrong);
}

#[test]
fn few_modules_touch_the_outside_world() {
    let may = [
        "source",
        "overlay",
        "generated",
        "simulation",
        "live",
        "drill",
        "commands",
        "main",
    ];
    let outside = [
        "std::fs",
        "std::net::{",
        "std::net::Tcp",
        "std::net::Udp",
        "std::net::ToSocketAddrs",
        "std::process",
        "tokio::",
        "ureq::",
    ];
    let mut wrong = Vec::new();
    for (path, text) in sources()
        .iter()
        .filter(|(path, _)| !may.contains(&word(&path["src/".len()..])))
    {
        wrong.extend(
            outside
                .iter()
                .filter(|name| text.contains(**name))
                .map(|name| format!("{path} uses {name}")),
        );
    }
    none("files, connections and processes belong elsewhere", &wrong);
}

#[test]
fn the_readme_and_its_pages_tell_the_truth() {
    let readme = fs::read_to_string("README.md").unwrap();
    let catalog = readme
        .split("```toml\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .expect("the README shows a catalog");
    assert_eq!(
        catalog.lines().count(),
        10,
        "the README speaks of ten lines"
    );
    let outcome =
        prove(catalog, Path::new(env!("CARGO_MANIFEST_DIR"))).expect("the machine lets it run");
    assert!(
        outcome
            .diagnostics
            .iter()
            .all(|found| found.severity == Severity::Notice),
        "the README's catalog: {:?}",
        outcome.diagnostics
    );
    let files = outcome.rendered.expect("it renders").files;
    let names = files
        .iter()
        .map(|file| file.path.rsplit('/').next().unwrap_or_default());
    none(
        "the README's tree lacks",
        &names
            .filter(|name| !readme.contains(name))
            .map(str::to_string)
            .collect::<Vec<_>>(),
    );
    let output = Command::new(env!("CARGO_BIN_EXE_monstack"))
        .arg("--help")
        .output()
        .expect("monstack starts");
    let help = String::from_utf8(output.stdout).expect("it is text");
    let list = help
        .split("Commands:\n")
        .nth(1)
        .and_then(|rest| rest.split("\n\n").next())
        .expect("the help lists the verbs");
    let verbs: Vec<&str> = list
        .lines()
        .filter_map(|line| line.strip_prefix("  ").map(word))
        .filter(|verb| !["", "help"].contains(verb))
        .collect();
    assert!(verbs.len() > 8, "the verbs are read: {verbs:?}");
    let page = fs::read_to_string("docs/verbs.md").unwrap();
    let untold = verbs.iter().filter(|verb| {
        !page.contains(&format!("`{verb}`")) && !page.contains(&format!("`{verb} "))
    });
    none(
        "docs/verbs.md does not tell of",
        &untold.map(ToString::to_string).collect::<Vec<_>>(),
    );
    let map = fs::read_to_string("docs/design.md").unwrap();
    let unmapped = rooms().into_iter().filter(|module| {
        !map.contains(&format!("{module}.rs")) && !map.contains(&format!("{module}/"))
    });
    none(
        "the map of docs/design.md lacks",
        &unmapped.collect::<Vec<_>>(),
    );
}

#[test]
fn every_source_file_begins_with_a_sentence() {
    let begins = |(path, text): &(String, String)| {
        path.ends_with(".rs") && !text.starts_with("//! ") && path != "src/main.rs"
    };
    let wrong: Vec<String> = texts("src")
        .into_iter()
        .filter(begins)
        .map(|(path, _)| path)
        .collect();
    none("the first line says what the file is for", &wrong);
}

#[test]
fn nothing_but_the_catalog_knows_the_platform() {
    let catalog: toml::Table = fs::read_to_string("services.toml")
        .unwrap()
        .parse()
        .unwrap();
    let keys = |table: &str| {
        catalog[table]
            .as_table()
            .unwrap()
            .keys()
            .map(|key| key.to_lowercase())
            .collect::<Vec<_>>()
    };
    let platform = catalog["platform"]
        .as_table()
        .unwrap()
        .values()
        .filter_map(|value| value.as_str())
        .map(str::to_lowercase);
    let metrics = catalog["metrics"]
        .as_table()
        .unwrap()
        .iter()
        .filter(|(_, metric)| metric.get("services").is_some())
        .map(|(key, _)| key.to_lowercase());
    let names: Vec<String> = platform
        .chain(keys("services"))
        .chain(keys("alerts"))
        .chain(metrics)
        .collect();
    let mut wrong = Vec::new();
    for (path, text) in texts("src").into_iter().chain(texts("templates")) {
        let text = text.to_lowercase();
        wrong.extend(
            names
                .iter()
                .filter(|name| text.contains(name.as_str()))
                .map(|name| format!("{path} names `{name}`")),
        );
    }
    none(
        "another platform is another catalog: nothing else may know this one",
        &wrong,
    );
}

/// Every code that a finding is made with. Where a function is given the code, all words with a dash of that file count.
fn codes() -> BTreeSet<String> {
    let mut found: BTreeSet<String> = LINTS
        .iter()
        .map(|lint| lint.code)
        .chain(PROOFS.iter().map(|proof| proof.code))
        .map(str::to_string)
        .collect();
    for (path, text) in sources()
        .iter()
        .filter(|(path, _)| *path != "src/diagnostic.rs" && !path.starts_with("src/proofs"))
    {
        for made in [
            "Diagnostic::error(",
            "Diagnostic::warning(",
            "Diagnostic::notice(",
        ] {
            for rest in text.split(made).skip(1).map(str::trim_start) {
                match rest.strip_prefix('"') {
                    Some(code) => found.extend(code.split('"').next().map(str::to_string)),
                    None if word(rest) == "code" => found.extend(dashed(text)),
                    None => panic!(
                        "{path} makes a finding whose code this test cannot read: {}",
                        rest.lines().next().unwrap_or_default()
                    ),
                }
            }
        }
    }
    found
}

fn dashed_word(text: &str) -> bool {
    text.split('-')
        .all(|part| !part.is_empty() && part.chars().all(|letter| letter.is_ascii_lowercase()))
}

/// The literals of a source that look like codes.
fn dashed(text: &str) -> impl Iterator<Item = String> + '_ {
    let code = |literal: &&str| {
        literal.contains('-')
            && literal.split('-').all(|part| {
                !part.is_empty() && part.chars().all(|letter| letter.is_ascii_lowercase())
            })
    };
    text.split('"').filter(code).map(str::to_string)
}

#[test]
fn every_finding_can_be_explained() {
    let table = &sources()["src/commands/explain/codes.rs"];
    let entries = table
        .split("CODES")
        .nth(1)
        .expect("it has a table")
        .split('(');
    let plain: Vec<&str> = entries
        .filter_map(|entry| entry.trim_start().strip_prefix('"')?.split('"').next())
        .filter(|code| dashed_word(code))
        .collect();
    assert!(plain.len() > 50, "the table is read: {plain:?}");
    let all: Vec<String> = LINTS
        .iter()
        .map(|lint| lint.code)
        .chain(PROOFS.iter().map(|proof| proof.code))
        .chain(plain.iter().copied())
        .map(str::to_string)
        .collect();
    let known: BTreeSet<String> = all.iter().cloned().collect();
    assert_eq!(
        known.len(),
        all.len(),
        "a code is in two tables, or twice in one"
    );
    let codes = codes();
    none(
        "no finding has the code",
        &known.difference(&codes).cloned().collect::<Vec<_>>(),
    );
    none(
        "src/commands/explain/codes.rs does not explain",
        &codes.difference(&known).cloned().collect::<Vec<_>>(),
    );
    for code in [
        plain[0],
        plain[plain.len() - 1],
        LINTS[0].code,
        PROOFS[0].code,
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_monstack"))
            .args(["explain", code])
            .output()
            .expect("monstack starts");
        let text = String::from_utf8(output.stdout).expect("it is text");
        assert!(
            output.status.success()
                && text.starts_with(&format!("{code}\n  "))
                && text.lines().count() > 1,
            "explain {code} says:\n{text}"
        );
    }
}

#[test]
fn lints_and_proofs_are_in_files_of_their_names() {
    let sources = sources();
    let proofs = PROOFS.iter().map(|proof| ("proofs", proof.code));
    let files = LINTS
        .iter()
        .map(|lint| ("lints", lint.code))
        .chain(proofs)
        .map(|(folder, code)| format!("src/{folder}/{}.rs", code.replace('-', "_")));
    none(
        "a lint or a proof is in another file",
        &files
            .filter(|file| !sources.contains_key(file))
            .collect::<Vec<_>>(),
    );
}

#[test]
fn only_the_report_prints() {
    let printing = [
        "anstream::",
        "println!",
        "print!",
        "stdout()",
        "stderr()",
        "dbg!",
        "io::stdout",
        "io::stderr",
    ];
    let mut wrong = Vec::new();
    for (path, text) in sources()
        .iter()
        .filter(|(path, _)| *path != "src/commands/report.rs")
    {
        let text = text.replace("anstream::ColorChoice", "");
        wrong.extend(
            printing
                .iter()
                .filter(|name| text.contains(**name))
                .map(|name| format!("{path} uses {name}")),
        );
    }
    none(
        "a report's lines, `say` and `announce` make text harmless; what prints by itself does not",
        &wrong,
    );
}
