//! A service with two instances that speak TLS and want a login: two real servers, scraped by a third.

use super::stack::{Root, Server, root};
use monstack::value::Value;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// The service as the catalog has it; Prometheus runs without a container, so it reads the files where they are.
fn registry(folder: &Path, [first, second]: [u16; 2]) -> String {
    let secrets = folder.join("secrets");
    let secrets = secrets.display();
    format!(
        r#"
[services.registry]
group = "coordination"
build = false
targets = ["localhost:{first}", "localhost:{second}"]
scheme = "https"
health_path = "/-/healthy"
scrape_interval = "1s"
tls = {{ ca_file = "{secrets}/authority.pem", server_name = "registry.example.org" }}
auth = {{ username = "scraper", password_file = "{secrets}/registry" }}
"#
    )
}

fn shell(folder: &Path, commands: &str) {
    let made = Command::new("sh")
        .args(["-ec", commands])
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(
        made.status.success(),
        "{}; openssl and htpasswd are in Debian's packages openssl and apache2-utils",
        String::from_utf8_lossy(&made.stderr)
    );
}

/// One instance: a Prometheus behind TLS and a login.
fn instance(root: &Root, name: &str, port: u16) -> Server {
    let folder = root.folder.display();
    root.spawn(
        "prometheus",
        "prometheus",
        &[
            &format!("--config.file={folder}/secrets/empty.yml"),
            &format!("--web.config.file={folder}/secrets/web.yml"),
            &format!("--storage.tsdb.path={folder}/{name}"),
            &format!("--web.listen-address=127.0.0.1:{port}"),
        ],
    )
}

/// A platform with that service, rendered.
fn with_registry(ports: [u16; 2]) -> Root {
    let root = root(super::RECEIVERS);
    let catalog = root.folder.join("services.toml");
    let text = fs::read_to_string(&catalog).unwrap();
    let text = text.replacen("[prometheus]\n", "[prometheus]\nruns_on = \"host\"\n", 1);
    let text = text.replace("host.docker.internal", "localhost");
    fs::write(&catalog, text + &registry(&root.folder, ports)).unwrap();
    let rendered = root.run(&["render"]);
    let said = String::from_utf8_lossy(&rendered.stderr);
    assert!(rendered.status.success(), "{said}");
    fs::create_dir(root.folder.join("secrets")).unwrap();
    root
}

#[test]
fn stand_ins_speak_tls_and_want_the_login() {
    let ports = super::ports::free_ports::<2>();
    let root = with_registry([ports[0], ports[1]]);
    fs::write(root.folder.join("secrets/registry"), "secret").unwrap();
    let authority = root.folder.join("secrets/authority.pem");
    let authority = authority.to_str().unwrap();
    let services = root.simulate(&["--ca-file", authority]);
    let _prometheus = root.prometheus();
    let up = || {
        let query = "/api/v1/query?query=sum(up%7Bjob%3D%22registry%22%7D)";
        super::stack::request(root.prometheus, "GET", query).1
    };
    let scraped = (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(200));
        up().contains(",\"2\"]")
    });
    assert!(scraped, "{}", up());
    // Of this machine's own questions only those with the password are answered.
    let instance = || root.ask(&["why", "registry"]).1.to_string();
    assert!(!instance().contains("answers 401"), "{}", instance());
    fs::write(root.folder.join("secrets/registry"), "wrong").unwrap();
    assert!(instance().contains("answers 401"), "{}", instance());
    drop(services);
    // A file that somebody else made stays as it is.
    fs::write(authority, "of others").unwrap();
    let refused = root.run(&["simulate", "--ca-file", authority]);
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("name another, or move it away"), "{said}");
    assert_eq!(fs::read_to_string(authority).unwrap(), "of others");
}

#[test]
fn two_instances_behind_tls_and_a_login_are_scraped_asked_and_told_apart() {
    let ports = super::ports::free_ports::<2>();
    let root = with_registry([ports[0], ports[1]]);
    shell(
        &root.folder.join("secrets"),
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority -keyout authority.key -out authority.pem
         openssl req -newkey rsa:2048 -nodes -subj /CN=registry -keyout server.key -out server.csr
         printf 'subjectAltName=DNS:registry.example.org\\nbasicConstraints=CA:FALSE\\n' > names
         openssl x509 -req -in server.csr -CA authority.pem -CAkey authority.key -CAcreateserial -days 2 -extfile names -out server.pem
         printf secret > registry
         printf '{}' > empty.yml
         { printf 'tls_server_config: {cert_file: server.pem, key_file: server.key}\\nbasic_auth_users:\\n  '
           htpasswd -niBC 4 scraper < registry | head -1 | sed 's/:/: /'; } > web.yml",
    );
    let first = instance(&root, "first", ports[0]);
    let second = instance(&root, "second", ports[1]);
    let _prometheus = root.prometheus();
    let _alertmanager = root.alertmanager();
    let links = || root.ask(&["why", "registry"]).1;
    let seen = |walk: &Value, link: &str| {
        let links = walk["links"].as_array().cloned().unwrap_or_default();
        links
            .iter()
            .any(|one| one["link"] == link && one["state"] == "ok")
    };
    let mut last = Value::Null;
    let through = (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(200));
        last = links();
        seen(&last, "scraped") && seen(&last, "health")
    });
    assert!(through, "{last:#}");
    // The name in the certificate is another than that of the address, and the password is right; a wrong one is refused.
    fs::write(root.folder.join("secrets/registry"), "wrong").unwrap();
    let refused = links();
    assert!(refused.to_string().contains("answers 401"), "{refused:#}");
    assert!(refused.to_string().contains("`auth`"), "{refused:#}");
    fs::write(root.folder.join("secrets/registry"), "secret").unwrap();
    drop(second);
    let broken = links();
    assert!(
        broken
            .to_string()
            .contains(&format!("localhost:{}", ports[1])),
        "{broken:#}"
    );
    drop(first);
}
