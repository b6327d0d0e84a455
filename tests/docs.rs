//! The pages of docs/: every command in them is run, and what they show is what it says. UPDATE_GOLDEN=1 writes it.
//!
//! In a block `console` a line with `$ ` in front is a command, and what follows is all that it prints. A block whose language has
//! a name behind it, as in `toml services.toml`, is that file. `…` stands for what is otherwise at each run: alone on a line for
//! any number of lines, else for a part of the line.

mod referee;
mod shop;

use referee::{python, root};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// All pages of docs/, by path.
fn pages() -> Vec<PathBuf> {
    let mut folders = vec![root().join("docs")];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("docs/ is there") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "md") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A part of a page.
enum Part<'t> {
    /// What is not run.
    Prose,
    /// A file's path and its text.
    File(&'t str, &'t str),
    /// Commands, each with what it prints.
    Session(Vec<(&'t str, &'t str)>),
}

/// A page in its parts; together they are the whole page.
fn parts(page: &str) -> Vec<(&str, Part<'_>)> {
    let mut found = Vec::new();
    let mut rest = page;
    while let Some(at) = rest.find("```") {
        let (before, fenced) = rest.split_at(at);
        found.push((before, Part::Prose));
        let line = fenced.find('\n').expect("a block has an end") + 1;
        let info = fenced[3..line].trim();
        let end = line + fenced[line..].find("```").expect("a block has an end");
        let body = &fenced[line..end];
        let part = match info.split_once(' ') {
            Some((_, file)) => Part::File(file, body),
            None if info == "console" => Part::Session(session(body)),
            None => Part::Prose,
        };
        found.push((&fenced[..end + 3], part));
        rest = &fenced[end + 3..];
    }
    found.push((rest, Part::Prose));
    found
}

/// The commands of a block, each with what follows it.
fn session(body: &str) -> Vec<(&str, &str)> {
    let mut starts: Vec<usize> = body.match_indices("\n$ ").map(|(at, _)| at + 1).collect();
    assert!(
        body.starts_with("$ "),
        "a session begins with a command: {body}"
    );
    starts.insert(0, 0);
    starts.push(body.len());
    let one = |pair: &[usize]| {
        let text = &body[pair[0]..pair[1]];
        let end = text.find('\n').map_or(text.len(), |at| at + 1);
        (text[2..end].trim_end(), &text[end..])
    };
    starts.windows(2).map(one).collect()
}

/// What each command of a page prints, in one shell in a folder of its own.
fn run(page: &Path, parts: &[(&str, Part)]) -> Vec<String> {
    const MARK: &str = "@@ next @@";
    let mut script = String::from("exec 2>&1\n");
    let mut files = 0;
    for (_, part) in parts {
        match part {
            Part::Prose => {}
            Part::File(path, body) => {
                files += 1;
                let _ = write!(
                    script,
                    "mkdir -p \"$(dirname {path})\"; cat > {path} <<'END {files}'\n{body}END {files}\n"
                );
            }
            Part::Session(commands) => {
                for (command, _) in commands {
                    let _ = write!(script, "echo '{MARK}'\n{command}\n");
                }
            }
        }
    }
    script += "kill $(jobs -p) 2>/dev/null; exit 0\n";
    let name = page.file_stem().expect("a page has a name");
    let folder = shop::folder(&format!("docs-{}", name.to_string_lossy())).join("shop");
    fs::create_dir(&folder).expect("a folder of its own");
    let beside = Path::new(env!("CARGO_BIN_EXE_monstack"))
        .parent()
        .expect("a folder");
    let python = python("python3");
    let path = format!(
        "{}:{}:{}",
        beside.display(),
        python.parent().expect("a folder").display(),
        std::env::var("PATH").unwrap_or_default()
    );
    let output = Command::new("bash")
        .args(["-c", &script])
        .current_dir(&folder)
        .env("PATH", path)
        .env("NO_COLOR", "1")
        .env_remove("CARGO")
        .stdin(Stdio::null())
        .output()
        .expect("bash starts");
    fs::remove_dir_all(folder.parent().expect("its folder")).expect("removable");
    let printed = String::from_utf8(output.stdout).expect("text");
    let mark = format!("{MARK}\n");
    let pieces = printed.split(mark.as_str()).skip(1);
    // A session is read to the last line break, and a message need not have one.
    let ended = |text: &str| match text.is_empty() || text.ends_with('\n') {
        true => text.to_string(),
        false => format!("{text}\n"),
    };
    pieces.map(ended).collect()
}

/// Whether a text is what was written, in which `…` stands for anything.
fn fits(written: &str, said: &str) -> bool {
    fn lines(written: &[&str], said: &[&str]) -> bool {
        match written {
            [] => said.is_empty(),
            ["…", rest @ ..] => (0..=said.len()).any(|skipped| lines(rest, &said[skipped..])),
            [first, rest @ ..] => {
                !said.is_empty() && line(first, said[0]) && lines(rest, &said[1..])
            }
        }
    }
    fn line(written: &str, said: &str) -> bool {
        match written.split_once('…') {
            None => written == said,
            Some((begin, rest)) => said.strip_prefix(begin).is_some_and(|left| {
                let ends = left.char_indices().map(|(at, _)| at).chain([left.len()]);
                ends.into_iter().any(|at| line(rest, &left[at..]))
            }),
        }
    }
    let trimmed = |text| -> Vec<&str> { str::lines(text).map(str::trim_end).collect() };
    lines(&trimmed(written), &trimmed(said))
}

#[test]
fn every_command_does_what_its_page_says() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut pages = pages();
    pages.retain(|page| text(page).contains("```console\n"));
    assert!(pages.len() > 3, "{pages:?}");
    let mut wrong = Vec::new();
    for page in &pages {
        let whole = text(page);
        let parts = parts(&whole);
        let mut said = run(page, &parts).into_iter();
        let mut new = String::new();
        for (source, part) in &parts {
            let Part::Session(commands) = part else {
                new += source;
                continue;
            };
            new += "```console\n";
            for (command, written) in commands {
                let said = said.next().unwrap_or_else(|| {
                    panic!("{}: the shell ended before `{command}`", page.display())
                });
                let kept = match fits(written, &said) {
                    true => written.to_string(),
                    false => {
                        wrong.push(format!("{}: `{command}` says\n{said}", page.display()));
                        said
                    }
                };
                let _ = write!(new, "$ {command}\n{kept}");
            }
            new += "```";
        }
        if update {
            fs::write(page, new).expect("writable");
        }
    }
    assert!(update || wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_may_differ_is_left_open() {
    for (written, said, fit) in [
        ("a\nb\n", "a\nb\n", true),
        ("a\n…\nd\n", "a\nb\nc\nd\n", true),
        ("a\n…\n", "a\n", true),
        ("took … s\n", "took 3.2 s\n", true),
        ("took … s\n", "took 3.2 ms\n", false),
        ("a\n", "a\nb\n", false),
        ("a\nb\n", "a\n", false),
    ] {
        assert_eq!(fits(written, said), fit, "{written:?} {said:?}");
    }
}

/// Links between the pages, and into the repository, lead somewhere.
#[test]
fn every_link_leads_somewhere() {
    let mut dead = Vec::new();
    let mut all = pages();
    all.extend(["README.md", "CONTRIBUTING.md"].map(|name| root().join(name)));
    for page in all {
        let whole = text(&page);
        for link in whole.split("](").skip(1) {
            let link = link.split(')').next().expect("a link ends");
            if link.contains("://") || link.starts_with('#') {
                continue;
            }
            let (path, section) = link.split_once('#').unwrap_or((link, ""));
            let target = page.parent().expect("a folder").join(path);
            let heading = |line: &str| {
                let title = line.trim_start_matches('#').trim().to_lowercase();
                let kept = title
                    .chars()
                    .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
                line.starts_with('#') && kept.collect::<String>().replace(' ', "-") == section
            };
            let found = match section {
                "" => target.exists(),
                _ => target.exists() && text(&target).lines().any(heading),
            };
            if !found {
                dead.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(dead.is_empty(), "{dead:#?}");
}

#[test]
fn every_page_is_printed() {
    let listed = shop::monstack(root(), &["docs"]).stdout;
    let listed: Vec<&str> = listed
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    let docs = root().join("docs");
    for page in pages() {
        let name = page
            .strip_prefix(&docs)
            .expect("below it")
            .with_extension("");
        let name = name.to_string_lossy().to_lowercase();
        // What stands beside files that are taken away is read there.
        if name == "verify/readme" {
            continue;
        }
        assert!(listed.contains(&name.as_str()), "{name}: {listed:?}");
        let printed = shop::monstack(root(), &["docs", &name]).stdout;
        assert_eq!(printed.trim_end(), text(&page).trim_end(), "{name}");
    }
}

/// The first rows of the shipped catalog's overview, as the preview draws them, in a file that a README can show.
#[test]
fn the_picture_is_what_the_preview_draws() {
    let folder = shop::folder("docs-picture");
    let page = folder.join("preview.html");
    let ended = shop::monstack(
        root(),
        &["preview", "--output", &page.display().to_string()],
    );
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let html = text(&page);
    fs::remove_dir_all(folder).expect("removable");
    let style = inside(&html, "<style>", "</style>");
    let section = inside(&html, "<section class=\"dashboard\"", "</section>");
    let rows = section.split("<details class=\"row\"").skip(1);
    let mut body = String::new();
    let mut height = 0;
    for (row, shown) in rows.zip(SHOWN) {
        let title = inside(row, "<h3>", "</summary>");
        let mut panels = String::new();
        let mut bottom = 0;
        for panel in row.split("<article ").skip(1) {
            let panel = &panel[..panel.find("</article>").expect("a panel ends")];
            let place = inside(panel, "data-place=\"", "\">");
            let numbers: Vec<u32> = place["data-place=\"".len()..]
                .split(' ')
                .map(|number| number.parse().expect("a number"))
                .collect();
            let below = numbers[1] + numbers[3];
            if below > shown {
                continue;
            }
            bottom = bottom.max(below);
            // Nothing opens in a picture.
            let about = inside(panel, "<details class=\"about\">", "</details>");
            let closed = panel.replace(about, "").replace("</details>", "");
            let _ = write!(panels, "<article {closed}</article>");
        }
        height += 56 + 38 * bottom;
        let _ = write!(
            body,
            "<div style=\"margin:16px 0 8px\">{title}</div><div class=\"grid\">{panels}</div>"
        );
    }
    // A drawing inside of a page is one only by its name space.
    let body = body.replace("<svg ", "<svg xmlns=\"http://www.w3.org/2000/svg\" ");
    let picture = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1280 {height}\">\n{style}</style>\n<foreignObject width=\"1280\" height=\"{height}\">\n<body xmlns=\"http://www.w3.org/1999/xhtml\" style=\"padding:0 16px\">{body}</body>\n</foreignObject>\n</svg>\n"
    );
    let path = root().join("docs/overview.svg");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, &picture).expect("writable");
    }
    assert_eq!(text(&path), picture, "run this test with UPDATE_GOLDEN=1");
}

/// How many lines of the grid of each of the first rows fit on a screen.
const SHOWN: [u32; 2] = [19, 11];

/// The part of a text from one word to before another.
fn inside<'t>(text: &'t str, from: &str, to: &str) -> &'t str {
    let begin = text.find(from).expect("the page has it");
    let end = begin + text[begin..].find(to).expect("the page has it");
    &text[begin..end]
}
