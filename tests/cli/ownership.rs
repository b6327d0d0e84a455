//! What is not monstack's is never changed or removed; what is, is readable for the containers, whatever the umask and the line ends.

use crate::{CATALOG, Run, monstack, referee, rendered, run, shop, tree};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

/// A name, and what it puts into a folder.
type Prepared = (&'static str, fn(&Path));

/// Files and folders of others, each alone in a generated/ that was never monstack's.
fn strangers() -> Vec<Prepared> {
    vec![
        ("protobuf", |folder| {
            fs::create_dir(folder.join("src")).unwrap();
            fs::write(folder.join("src/api.pb.go"), "package api\n").unwrap();
        }),
        ("git", |folder| {
            fs::create_dir(folder.join(".git")).unwrap();
            fs::write(folder.join(".git/HEAD"), "ref: refs/heads/main\n").unwrap();
        }),
        ("readme", |folder| {
            fs::write(folder.join("README.md"), "by hand\n").unwrap()
        }),
        ("ignore", |folder| {
            fs::write(folder.join(".gitignore"), "*\n").unwrap()
        }),
        ("compose", |folder| {
            fs::write(folder.join("docker-compose.yml"), "services: {}\n").unwrap()
        }),
        ("link", |folder| {
            symlink("../services.toml", folder.join("link")).unwrap()
        }),
        ("socket", |folder| {
            drop(UnixListener::bind(folder.join("socket")).unwrap())
        }),
        ("hostile", |folder| {
            fs::write(
                folder.join(".monstack-files"),
                "../services.toml\nREADME.md\n",
            )
            .unwrap()
        }),
    ]
}

#[test]
fn a_folder_of_others_is_refused_with_the_way_out() {
    for (name, fill) in strangers() {
        let shop = shop(&format!("stranger-{name}"), CATALOG);
        fs::create_dir(shop.join("generated")).unwrap();
        fill(&shop.join("generated"));
        let before = tree(&shop);
        let add = ["add", "search", "--group", "web", "--port", "8002"];
        // Every verb shares the decision, so one stranger tries all of them.
        let verbs = if name == "git" {
            vec![&["render"][..], &["render", "--check"], &add]
        } else {
            vec![&["render"][..]]
        };
        for arguments in verbs {
            let refused = run(&shop, arguments);
            assert_eq!(
                (refused.code, refused.out.as_str()),
                (Some(1), ""),
                "{name} {arguments:?}: {}",
                refused.err
            );
            assert!(
                refused.err.contains("error[foreign-folder]")
                    && refused.err.contains("--adopt-folder")
                    && refused.err.contains("output = "),
                "{}",
                refused.err
            );
            assert_eq!(tree(&shop), before, "{name} {arguments:?}");
        }
        let adopted = run(&shop, &["render", "--adopt-folder"]);
        if ["compose", "hostile"].contains(&name) {
            assert!(
                adopted.code == Some(1) && adopted.err.contains("error[in-the-way]"),
                "{name}: {}",
                adopted.err
            );
            assert_eq!(tree(&shop), before, "{name}");
            continue;
        }
        assert_eq!(adopted.code, Some(0), "{name}: {}", adopted.err);
        let after = tree(&shop);
        assert!(
            before.iter().all(|file| after.contains(file)),
            "{name}: something of others was touched"
        );
        let check = run(&shop, &["render", "--check"]);
        assert!(
            check.code == Some(0) && check.out.contains("not ours  generated/"),
            "{name}: {}",
            check.out
        );
    }
}

#[test]
fn an_empty_folder_and_a_placeholder_are_nobodys() {
    let shop = shop("placeholder", CATALOG);
    fs::create_dir_all(shop.join("generated/monitoring/empty")).unwrap();
    fs::write(shop.join("generated/.gitkeep"), "").unwrap();
    assert_eq!(run(&shop, &["render"]).code, Some(0));
    assert!(shop.join("generated/.gitkeep").exists());
}

#[test]
fn another_output_folder_is_followed_everywhere() {
    let shop = shop(
        "output",
        &CATALOG.replace(
            "slug = \"shop\"",
            "slug = \"shop\"\noutput = \"deploy/monitoring/\"",
        ),
    );
    fs::create_dir(shop.join("generated")).unwrap();
    fs::write(shop.join("generated/api.pb.go"), "package api\n").unwrap();
    let first = run(&shop, &["render"]);
    assert!(
        first.code == Some(0)
            && first
                .out
                .contains("new       deploy/monitoring/docker-compose.yml"),
        "{}{}",
        first.out,
        first.err
    );
    let compose =
        fs::read_to_string(shop.join("deploy/monitoring/docker-compose.services.yml")).unwrap();
    assert!(compose.contains("context: \"../..\""), "{compose}");
    assert!(
        fs::read_to_string(shop.join("deploy/monitoring/docker-compose.monitoring.yml"))
            .unwrap()
            .contains("-../../secrets}")
    );
    let runbook = fs::read_to_string(shop.join("deploy/monitoring/docs/RUNBOOK.md")).unwrap();
    assert!(
        !runbook.contains("generated/")
            && runbook.contains("docker compose -f deploy/monitoring/docker-compose.yml")
    );
    let why = run(&shop, &["why", "checkout", "--offline"]);
    assert!(
        why.out
            .contains("deploy/monitoring/ is what services.toml says"),
        "{}",
        why.out
    );
    assert_eq!(
        run(&shop, &["preview", "--output", "deploy/monitoring/x.html"]).code,
        Some(2)
    );
    for wrong in [
        "..",
        "../x",
        "/etc",
        ".",
        "",
        "src",
        "templates/x",
        "a/../..",
        ".git/hooks",
        "a//b",
        "services.toml",
    ] {
        fs::write(
            shop.join("services.toml"),
            CATALOG.replace(
                "slug = \"shop\"",
                &format!("slug = \"shop\"\noutput = \"{wrong}\""),
            ),
        )
        .unwrap();
        let refused = run(&shop, &["render"]);
        let said = match wrong {
            "" => "`output` is empty",
            _ => "is not an output folder",
        };
        assert!(
            refused.code == Some(1) && refused.err.contains(said),
            "{wrong}: {}",
            refused.err
        );
    }
}

#[test]
fn what_is_left_over_of_ours_goes_and_what_is_not_stays() {
    let shop = rendered("left-over");
    let dashboards = shop.join("generated/monitoring/grafana/dashboards");
    fs::write(dashboards.join("mine.json"), "{\"title\": \"Mine\"}\n").unwrap();
    fs::write(shop.join("generated/monitoring/mine.yml"), "a: 1\n").unwrap();
    // Listed, and replaced by hand since.
    fs::write(
        dashboards.join("shop-service.json"),
        "{\"uid\": \"other\"}\n",
    )
    .unwrap();
    // A version without a list.
    fs::remove_file(shop.join("generated/.monstack-files")).unwrap();
    fs::write(
        shop.join("services.toml"),
        CATALOG.replace("\"shop\"", "\"store\""),
    )
    .unwrap();
    let changed = run(&shop, &["render"]);
    assert_eq!(changed.code, Some(0), "{}", changed.err);
    assert!(
        !dashboards.join("shop-overview.json").exists()
            && dashboards.join("store-overview.json").exists()
    );
    assert!(
        dashboards.join("mine.json").exists()
            && dashboards.join("shop-service.json").exists()
            && shop.join("generated/monitoring/mine.yml").exists()
    );
    assert!(
        changed
            .out
            .contains("not ours  generated/monitoring/mine.yml: left alone"),
        "{}",
        changed.out
    );
}

#[test]
fn the_list_cannot_be_used_to_remove_what_is_not_ours() {
    let shop = rendered("hostile-list");
    let list = shop.join("generated/.monstack-files");
    fs::create_dir(shop.join("generated/.git")).unwrap();
    for path in ["victim.txt", "generated/mine.txt", "generated/.git/config"] {
        fs::write(shop.join(path), "precious\n").unwrap();
    }
    let bare = "# These do not say so themselves:\n";
    let text = fs::read_to_string(&list).unwrap();
    let absolute = shop.join("victim.txt");
    fs::write(
        &list,
        format!(
            "{text}mine.txt\n<<<<<<< ours\n{bare}../victim.txt\n.git/config\n{}\n",
            absolute.display()
        ),
    )
    .unwrap();
    assert_eq!(run(&shop, &["render"]).code, Some(0));
    for path in ["victim.txt", "generated/mine.txt", "generated/.git/config"] {
        assert!(shop.join(path).exists(), "{path}");
    }
    assert_eq!(fs::read_to_string(&list).unwrap(), text);
}

#[test]
fn what_is_in_the_way_is_refused_before_anything_is_written() {
    let blocks: [Prepared; 4] = [
        ("file-for-folder", |folder| {
            fs::remove_dir_all(folder.join("monitoring")).unwrap();
            fs::write(folder.join("monitoring"), "mine").unwrap();
        }),
        ("folder-for-file", |folder| {
            fs::remove_file(folder.join("docker-compose.yml")).unwrap();
            fs::create_dir(folder.join("docker-compose.yml")).unwrap();
            fs::write(folder.join("docker-compose.yml/mine.txt"), "mine").unwrap();
        }),
        ("link-for-file", |folder| {
            fs::remove_file(folder.join("docker-compose.yml")).unwrap();
            symlink(
                "docker-compose.services.yml",
                folder.join("docker-compose.yml"),
            )
            .unwrap();
        }),
        ("link-for-folder", |folder| {
            fs::rename(folder.join("monitoring"), folder.join("../outside")).unwrap();
            symlink("../outside", folder.join("monitoring")).unwrap();
        }),
    ];
    for (name, block) in blocks {
        let shop = rendered(&format!("in-the-way-{name}"));
        block(&shop.join("generated"));
        fs::write(shop.join("services.toml"), CATALOG.replace("8001", "9001")).unwrap();
        let before = tree(&shop);
        let refused = run(&shop, &["render"]);
        assert!(
            refused.code == Some(1) && refused.err.contains("error[in-the-way]: generated/"),
            "{name}: {}{}",
            refused.out,
            refused.err
        );
        assert_eq!(tree(&shop), before, "{name}");
    }
}

#[test]
fn outputs_are_readable_whatever_the_umask() {
    for umask in ["077", "027", "000"] {
        let shop = shop(&format!("umask-{umask}"), CATALOG);
        let script = format!(
            "umask {umask}; exec \"$0\" render --root '{}'",
            shop.display()
        );
        let ended: Run = Command::new("sh")
            .args(["-c", &script, env!("CARGO_BIN_EXE_monstack")])
            .output()
            .unwrap()
            .into();
        assert_eq!(ended.code, Some(0), "{}", ended.err);
        let mode = |path: &str| {
            fs::metadata(shop.join("generated").join(path))
                .unwrap()
                .permissions()
                .mode()
                & 0o777
        };
        for file in [
            "docker-compose.yml",
            "monitoring/alert_rules.yml",
            "monitoring/grafana/dashboards/shop-overview.json",
        ] {
            assert_eq!(mode(file), 0o644, "{umask} {file}");
        }
        assert_eq!(
            (
                mode("monitoring") & 0o755,
                mode("monitoring/grafana/dashboards") & 0o755
            ),
            (0o755, 0o755)
        );
    }
}

#[test]
fn a_wrong_mode_is_said_and_repaired() {
    let shop = rendered("mode");
    let set = |path: &str, mode| {
        fs::set_permissions(
            shop.join("generated").join(path),
            fs::Permissions::from_mode(mode),
        )
        .unwrap()
    };
    set("docker-compose.yml", 0o664);
    assert_eq!(
        run(&shop, &["render", "--check"]).code,
        Some(0),
        "a group may write"
    );
    set("docker-compose.yml", 0o600);
    set("monitoring", 0o700);
    let check = run(&shop, &["render", "--check"]);
    assert!(
        check.code == Some(1)
            && check
                .out
                .contains("mode      generated/docker-compose.yml  0600 instead of 0644"),
        "{}",
        check.out
    );
    assert!(
        check
            .out
            .contains("mode      generated/monitoring/  0700 instead of 0755"),
        "{}",
        check.out
    );
    assert_eq!(run(&shop, &["render"]).code, Some(0));
    assert_eq!(run(&shop, &["render", "--check"]).code, Some(0));
}

#[test]
fn line_endings_are_one_line_with_the_advice() {
    let shop = rendered("crlf");
    for (path, text) in tree(&shop.join("generated")) {
        fs::write(path, String::from_utf8(text).unwrap().replace('\n', "\r\n")).unwrap();
    }
    let check = run(&shop, &["render", "--check"]);
    assert!(
        check.code == Some(1) && check.out.lines().count() < 8,
        "{}",
        check.out
    );
    assert!(
        check.out.contains("line endings: ") && check.out.contains("generated/** text eol=lf"),
        "{}",
        check.out
    );
    let github = run(&shop, &["render", "--check", "--format", "github"]);
    assert_eq!(github.out.matches("::error ").count(), 1, "{}", github.out);
    assert!(
        run(&shop, &["render", "--check", "--format", "json"])
            .out
            .contains("\"line_endings\":{")
    );
    let compose = shop.join("generated/docker-compose.yml");
    fs::write(
        &compose,
        fs::read_to_string(&compose).unwrap() + "x-own: 1\r\n",
    )
    .unwrap();
    let mixed = run(&shop, &["render", "--check"]);
    assert!(
        mixed
            .out
            .contains("modified  generated/docker-compose.yml  +0 -1")
            && mixed.out.matches("+++ ").count() == 1,
        "{}",
        mixed.out
    );
    assert_eq!(run(&shop, &["render"]).code, Some(0));
    assert_eq!(run(&shop, &["render", "--check"]).code, Some(0));
}

#[test]
fn a_catalog_and_templates_with_crlf_render_the_same_bytes() {
    let own = r#"
[alerts.Own]
kind = "promql"
expr = """
max by (job, service, component) (up{job="checkout"})
  < 1
"""
for = "1m"
severity = "warning"

[[alerts.Own.tests]]
name = "down"
at = "10m"
series = { 'up{job="checkout",service="checkout",component="web"}' = "0x20" }
fires = ["checkout"]

[[alerts.Own.tests]]
name = "up"
at = "10m"
series = { 'up{job="checkout",service="checkout",component="web"}' = "1x20" }
"#;
    let text = format!("{CATALOG}{own}");
    let (unix, windows) = (
        shop("lf", &text),
        shop("crlf-catalog", &text.replace('\n', "\r\n")),
    );
    for (path, template) in tree(&Path::new(env!("CARGO_MANIFEST_DIR")).join("templates")) {
        let to = windows.join("templates").join(
            path.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("templates"))
                .unwrap(),
        );
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::write(
            to,
            String::from_utf8(template).unwrap().replace('\n', "\r\n"),
        )
        .unwrap();
    }
    let files = |shop: &Path| {
        let rendered = run(shop, &["render"]);
        assert_eq!(rendered.code, Some(0), "{}", rendered.err);
        let generated = shop.join("generated");
        tree(&generated)
            .into_iter()
            .map(|(path, text)| (path.strip_prefix(&generated).unwrap().to_path_buf(), text))
            .collect::<Vec<_>>()
    };
    assert_eq!(files(&unix), files(&windows));
}

#[test]
fn preview_replaces_only_its_own_pages() {
    let shop = rendered("preview-output");
    fs::create_dir(shop.join("sub")).unwrap();
    fs::write(shop.join("notes.html"), "<!DOCTYPE html>\n<p>mine\n").unwrap();
    symlink("services.toml", shop.join("link.html")).unwrap();
    symlink("nowhere", shop.join("dangling.html")).unwrap();
    fs::hard_link(shop.join("services.toml"), shop.join("hard.html")).unwrap();
    assert!(
        Command::new("mkfifo")
            .arg(shop.join("pipe.html"))
            .status()
            .unwrap()
            .success()
    );
    let before = |shop: &Path| {
        tree(&shop.join("generated"))
            .into_iter()
            .chain([(
                shop.join("services.toml"),
                fs::read(shop.join("services.toml")).unwrap(),
            )])
            .collect::<Vec<_>>()
    };
    let old = before(&shop);
    let refused = [
        "services.toml",
        "sub/../generated/docs/RUNBOOK.md",
        "generated/new.html",
        "notes.html",
        "link.html",
        "dangling.html",
        "hard.html",
        "sub",
        "/dev/stdout",
        "/dev/null",
        "",
    ];
    for output in refused {
        let refused = run(&shop, &["preview", "--output", output]);
        assert!(
            refused.code == Some(2) && refused.err.starts_with("error: "),
            "{output}: {:?} {}{}",
            refused.code,
            refused.out,
            refused.err
        );
    }
    assert_eq!(before(&shop), old);
    assert_eq!(
        fs::read_to_string(shop.join("notes.html")).unwrap(),
        "<!DOCTYPE html>\n<p>mine\n"
    );
    assert!(
        run(&shop, &["preview", "--output", "pipe.html"])
            .err
            .contains("is a pipe")
    );
    for _ in 0..2 {
        let wrote = run(&shop, &["preview", "--output", "sub/page.html"]);
        assert_eq!(wrote.code, Some(0), "{}", wrote.err);
    }
    assert_eq!(fs::read_dir(shop.join("sub")).unwrap().count(), 1);
}

#[test]
fn what_a_killed_add_left_is_removed_by_the_next_run() {
    let shop = rendered("killed-add");
    let left = shop.join(".services.toml.1.part");
    let foreign = [
        ".services.toml.part",
        ".other.toml.1.part",
        ".services.toml.x.part",
    ]
    .map(|name| shop.join(name));
    fs::write(&left, "half").unwrap();
    foreign
        .iter()
        .for_each(|path| fs::write(path, "mine").unwrap());
    assert_eq!(run(&shop, &["render"]).code, Some(0));
    assert!(!left.exists() && foreign.iter().all(|path| path.exists()));
}

#[test]
fn a_full_disk_says_what_is_half_new() {
    let shop = rendered("half-new");
    fs::write(
        shop.join("services.toml"),
        CATALOG.replace("\"5m\"", "\"7m\""),
    )
    .unwrap();
    // Without a trap, the limit would end a process that does not expect it.
    let script = format!(
        "ulimit -f 2; exec \"$0\" render --root '{}'",
        shop.display()
    );
    let ended: Run = Command::new("sh")
        .args(["-c", &script, env!("CARGO_BIN_EXE_monstack")])
        .output()
        .unwrap()
        .into();
    assert_eq!(ended.code, Some(2), "{}{}", ended.out, ended.err);
    assert!(
        ended.err.contains("generated/ is as it was")
            || ended
                .err
                .contains("the next `monstack render` writes the rest"),
        "{}",
        ended.err
    );
    assert!(
        !tree(&shop)
            .iter()
            .any(|(path, _)| path.extension().is_some_and(|ending| ending == "part"))
    );
    assert_eq!(run(&shop, &["render"]).code, Some(0));
    assert_eq!(run(&shop, &["render", "--check"]).code, Some(0));
}

#[test]
fn a_catalog_that_is_not_a_file_is_refused_with_its_place() {
    let pipe = referee::folder("cli-catalog-pipe");
    assert!(
        Command::new("mkfifo")
            .arg(pipe.join("services.toml"))
            .status()
            .unwrap()
            .success()
    );
    let refused = run(&pipe, &["render"]);
    assert!(
        refused.code == Some(1) && refused.err.contains("it is a pipe"),
        "{}",
        refused.err
    );
    let device = referee::folder("cli-catalog-device");
    symlink("/dev/zero", device.join("services.toml")).unwrap();
    assert!(run(&device, &["render"]).err.contains("it is a device"));
    let huge = referee::folder("cli-catalog-huge");
    fs::File::create(huge.join("services.toml"))
        .unwrap()
        .set_len(1 << 40)
        .unwrap();
    assert!(
        run(&huge, &["render"])
            .err
            .contains("it is larger than 32 MiB")
    );
    let empty = shop("catalog-empty", "");
    assert!(run(&empty, &["render"]).err.contains("services.toml:1:1"));
    fs::write(
        empty.join("services.toml"),
        b"[platform]\nname = \"caf\xe9\"\n",
    )
    .unwrap();
    assert!(run(&empty, &["render"]).err.contains("services.toml:2:12"));
}

#[test]
fn a_template_that_cannot_be_read_is_named_with_its_line() {
    let shop = shop("template-unreadable", CATALOG);
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    for (path, template) in tree(&own) {
        let to = shop
            .join("templates")
            .join(path.strip_prefix(&own).unwrap());
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::write(to, template).unwrap();
    }
    let wrong = shop.join("templates/docs/commands.md");
    fs::write(&wrong, b"one\ntwo \xff\n").unwrap();
    let refused: Run = monstack(&["render", "--root"])
        .arg(&shop)
        .output()
        .unwrap()
        .into();
    assert!(
        refused.code == Some(1) && refused.err.contains("templates/docs/commands.md:2"),
        "{}",
        refused.err
    );
    fs::remove_file(&wrong).unwrap();
    assert!(
        Command::new("mkfifo")
            .arg(&wrong)
            .status()
            .unwrap()
            .success()
    );
    let refused = run(&shop, &["render"]);
    assert!(
        refused.code == Some(1)
            && refused
                .err
                .contains("cannot read templates/docs/commands.md: it is a pipe"),
        "{}",
        refused.err
    );
}
