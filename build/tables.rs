//! Writes as JSON what is built in as TOML: every run reads most of it, and TOML takes five times as long to read.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// Tables, each read by the module beside it.
const TABLES: [&str; 5] = [
    "proofs/another_fact/words.toml",
    "stack/containers/images.toml",
    "stack/grafana/grafana.toml",
    "stack/notifications/texts.toml",
    "stack/settings/settings.toml",
];

const PROFILES: &str = "profiles";
const TEMPLATES: &str = "../templates";

fn main() -> io::Result<()> {
    // With them the program is built anew whenever one of them changes.
    for path in TABLES.iter().chain([&PROFILES, &TEMPLATES]) {
        println!("cargo::rerun-if-changed={path}");
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    for path in TABLES.map(Path::new) {
        let name = path.file_name().unwrap_or_default();
        write(&out.join(name), &read(path)?)?;
    }
    fs::create_dir_all(out.join(PROFILES))?;
    for path in inside(Path::new(PROFILES))? {
        if path.extension().is_some_and(|ending| ending == "toml") {
            write(&out.join(&path), &read(&path)?)?;
        }
    }
    let mut kinds = toml::Table::new();
    for folder in inside(&Path::new(TEMPLATES).join("kinds"))? {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        kinds.insert(name.into_owned(), read(&folder.join("kind.toml"))?.into());
    }
    write(&out.join("kinds.toml"), &kinds)
}

/// The files and folders in a folder, by name.
fn inside(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let found = fs::read_dir(folder)?.map(|entry| Ok(entry?.path()));
    let mut found = found.collect::<io::Result<Vec<PathBuf>>>()?;
    found.sort();
    Ok(found)
}

fn read(path: &Path) -> io::Result<toml::Table> {
    let table = toml::from_str(&fs::read_to_string(path)?);
    table.map_err(|error| io::Error::other(format!("{}: {error}", path.display())))
}

fn write(path: &Path, table: &toml::Table) -> io::Result<()> {
    fs::write(path.with_extension("json"), serde_json::to_vec(table)?)
}
