//! A repository's templates/ over the built-in ones.

use crate::{CATALOG, rendered, run, shop, tree};
use std::fs;

#[test]
fn a_templates_folder_of_another_tool_changes_nothing() {
    let shop = shop("templates-django", CATALOG);
    for (path, text) in [
        ("base.html", "{% block body %}{% endblock %}"),
        ("deployment.yaml", "{{ .Values.image }}"),
        ("kinds/readme.txt", "ours"),
    ] {
        let path = shop.join("templates").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let ran = run(&shop, &["render"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(!ran.out.contains("replaces"), "{}", ran.out);
    assert!(!run(&shop, &["templates", "list"]).out.contains("replaced"));
    let plain = rendered("templates-plain");
    let files = |root: &std::path::Path| {
        tree(&root.join("generated"))
            .into_iter()
            .map(|(_, text)| text)
            .collect::<Vec<_>>()
    };
    assert!(
        files(&shop) == files(&plain),
        "another tool's templates/ changed what is rendered"
    );
}

#[test]
fn an_ejected_template_is_edited_and_named_at_every_render() {
    let shop = rendered("templates-eject");
    let path = "kinds/down/runbook.md";
    let shown = run(&shop, &["templates", "show", path]).out;
    assert_eq!(run(&shop, &["templates", "eject", path]).code, Some(0));
    let own = shop.join("templates").join(path);
    assert_eq!(fs::read_to_string(&own).unwrap(), shown);
    // As long as it is the same text, it replaces nothing.
    assert!(!run(&shop, &["render", "--check"]).out.contains("replaces"));
    fs::write(
        &own,
        shown.replacen("**Meaning:**", "**What it means:**", 1),
    )
    .unwrap();
    let ran = run(&shop, &["render"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(
        ran.out
            .contains("templates/kinds/down/runbook.md replaces the built-in one"),
        "{}",
        ran.out
    );
    assert!(
        fs::read_to_string(shop.join("generated/docs/RUNBOOK.md"))
            .unwrap()
            .contains("**What it means:**")
    );
    assert!(
        run(&shop, &["templates", "list"])
            .out
            .contains("kinds/down/runbook.md  (replaced by templates/kinds/down/runbook.md)\n")
    );
    // All or none, and an edit is never lost.
    let before = tree(&shop);
    let again = run(
        &shop,
        &["templates", "eject", "kinds/down/condition.promql", path],
    );
    assert_eq!(again.code, Some(2));
    assert!(
        again
            .err
            .contains("templates/kinds/down/runbook.md exists already"),
        "{}",
        again.err
    );
    let unknown = run(
        &shop,
        &[
            "templates",
            "eject",
            "kinds/down/condition.promql",
            "kinds/down/runbok.md",
        ],
    );
    assert_eq!(unknown.code, Some(2));
    assert!(unknown.err.contains("there is no built-in template `kinds/down/runbok.md`: did you mean `kinds/down/runbook.md`?"), "{}", unknown.err);
    assert!(tree(&shop) == before);
}
