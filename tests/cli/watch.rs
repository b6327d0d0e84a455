//! `--watch`: every save is rendered, what is wrong is said and does not end it, and an interrupt does.

use crate::{CATALOG, monstack, shop};
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A run that goes on, with what it says in files.
struct Watching(Child);

impl Watching {
    fn begin(shop: &Path, verb: &[&str]) -> Watching {
        let said = |name: &str| fs::File::create(shop.join(name)).unwrap();
        let child = monstack(verb)
            .arg("--watch")
            .current_dir(shop)
            .stdin(Stdio::null())
            .stdout(said("said.out"))
            .stderr(said("said.err"))
            .spawn()
            .unwrap();
        Watching(child)
    }

    /// Interrupted, as Ctrl-C does it.
    fn end(mut self) -> Option<i32> {
        let pid = self.0.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-INT", &pid])
                .status()
                .unwrap()
                .success()
        );
        self.0.wait().unwrap().code()
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn until(what: &str, shop: &Path, file: &str, holds: impl Fn(&str) -> bool) {
    let began = Instant::now();
    loop {
        let text = fs::read_to_string(shop.join(file)).unwrap_or_default();
        if holds(&text) {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "{what}: {text}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// As most editors save: beside the file, and renamed over it.
fn save(shop: &Path, text: &str) {
    fs::write(shop.join(".services.toml.swp"), text).unwrap();
    fs::rename(shop.join(".services.toml.swp"), shop.join("services.toml")).unwrap();
}

#[test]
fn every_save_is_rendered_and_mistakes_are_said() {
    let shop = shop("watch", CATALOG);
    let watching = Watching::begin(&shop, &["render"]);
    let seen = |count: usize| move |text: &str| text.matches("watching; stop").count() >= count;
    until("the first run", &shop, "said.err", seen(1));
    save(&shop, &CATALOG.replace("8001", "8010"));
    until(
        "a save",
        &shop,
        "generated/monitoring/working_prometheus.yml",
        |text| text.contains("8010"),
    );
    until("its run", &shop, "said.err", seen(2));
    save(&shop, &CATALOG.replace("\"web\"\nport", "\"wbe\"\nport"));
    until("a mistake", &shop, "said.err", |text| {
        text.contains("did you mean `web`?")
    });
    until("its run", &shop, "said.err", seen(3));
    fs::create_dir_all(shop.join("services.d")).unwrap();
    save(&shop, CATALOG);
    until(
        "its end",
        &shop,
        "generated/monitoring/working_prometheus.yml",
        |text| text.contains("8001"),
    );
    until("its run", &shop, "said.err", seen(4));
    // Not replaced, but written into; and a part that is new.
    fs::write(
        shop.join("services.d/more.toml"),
        "[services.search]\ngroup = \"web\"\nport = 8002\n",
    )
    .unwrap();
    until(
        "a part",
        &shop,
        "generated/monitoring/working_prometheus.yml",
        |text| text.contains("search"),
    );
    assert_eq!(watching.end(), Some(0));
}

#[test]
fn a_page_that_is_watched_reloads_itself() {
    let shop = shop("watch-preview", CATALOG);
    let watching = Watching::begin(&shop, &["preview"]);
    let reloads = "<meta http-equiv=\"refresh\" content=\"1\">";
    until("the page", &shop, "preview.html", |text| {
        text.contains(reloads)
    });
    until("its run", &shop, "said.err", |text| {
        text.contains("watching")
    });
    save(&shop, &CATALOG.replace("\"Shop\"", "\"Market\""));
    until("a save", &shop, "preview.html", |text| {
        text.contains("Market")
    });
    assert_eq!(watching.end(), Some(0));
    let left = fs::read_to_string(shop.join("preview.html")).unwrap();
    assert!(left.contains("Market") && !left.contains(reloads));
}
