//! Words and values that the engine reads when it creates a container, and does not create it with others.

use crate::diagnostic::{Diagnostic, mistyped, nearest};
use crate::proofs::place;
use crate::stack::containers::Container;
use crate::stack::containers::text::{bytes, filled, scalar, words};

/// The options of `security_opt`, of Docker (daemon/daemon_unix.go) and of Podman.
const SECURITY: [&str; 9] = [
    "no-new-privileges",
    "label",
    "apparmor",
    "seccomp",
    "systempaths",
    "writable-cgroups",
    "credentialspec",
    "mask",
    "unmask",
];

/// The logging drivers that Docker (daemon/logger) and Podman bring; plugins bring others.
const LOGGING: [&str; 13] = [
    "awslogs",
    "etwlogs",
    "fluentd",
    "gcplogs",
    "gelf",
    "journald",
    "json-file",
    "k8s-file",
    "local",
    "none",
    "passthrough",
    "splunk",
    "syslog",
];

/// What those that write to a file of their own are told; of others it is not known.
const TO_FILE: [&str; 11] = [
    "max-size",
    "max-file",
    "compress",
    "labels",
    "labels-regex",
    "env",
    "env-regex",
    "tag",
    "mode",
    "max-buffer-size",
    "path",
];

/// Words that the engine reads when it creates a container, and does not create it with another.
pub(super) fn unknown(container: &Container) -> Vec<Diagnostic> {
    let mut wrong = Vec::new();
    for (index, option) in container.value["security_opt"].texts().enumerate() {
        let name = option.split(['=', ':']).next().unwrap_or_default();
        wrong.extend(
            mistyped(name, SECURITY)
                .map(|meant| (format!("security_opt/{index}"), name.to_string(), meant)),
        );
    }
    let logging = &container.value["logging"];
    let driver = logging["driver"].as_str().unwrap_or("json-file");
    let of_driver = mistyped(driver, LOGGING);
    wrong.extend(of_driver.map(|meant| ("logging/driver".to_string(), driver.to_string(), meant)));
    let known = if ["json-file", "local"].contains(&driver) {
        &TO_FILE[..]
    } else {
        &[]
    };
    for (option, _) in logging["options"].entries() {
        // Docker's own copy of what others log has options of that name for every driver.
        let other = !known.is_empty() && !known.contains(&option.as_str());
        if other && !option.starts_with("cache-") {
            let meant = nearest(option, known.iter().copied()).unwrap_or(known[0]);
            wrong.push((format!("logging/options/{option}"), option.clone(), meant));
        }
    }
    let refusal = |(at, word, meant): (String, String, &str)| {
        let message = format!(
            "Docker does not create `{}`: it knows no `{word}`",
            container.name
        );
        let help = format!("did you mean `{meant}`?");
        place::in_container(container, &at, message, help)
    };
    wrong.into_iter().map(refusal).collect()
}

/// What a container may be allowed, without the `CAP_` that may stand before it (capabilities(7)).
const CAPABILITIES: [&str; 42] = [
    "ALL",
    "AUDIT_CONTROL",
    "AUDIT_READ",
    "AUDIT_WRITE",
    "BLOCK_SUSPEND",
    "BPF",
    "CHECKPOINT_RESTORE",
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "IPC_LOCK",
    "IPC_OWNER",
    "KILL",
    "LEASE",
    "LINUX_IMMUTABLE",
    "MAC_ADMIN",
    "MAC_OVERRIDE",
    "MKNOD",
    "NET_ADMIN",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_RAW",
    "PERFMON",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYSLOG",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_CHROOT",
    "SYS_MODULE",
    "SYS_NICE",
    "SYS_PACCT",
    "SYS_PTRACE",
    "SYS_RAWIO",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "WAKE_ALARM",
];

/// What starts applications, whichever image they are in.
const RUNNERS: [&str; 8] = [
    "uvicorn",
    "gunicorn",
    "hypercorn",
    "python3",
    "python",
    "celery",
    "java",
    "node",
];

/// Shells that read a script behind `-c`.
const SHELLS: [&str; 4] = ["sh", "bash", "ash", "dash"];

/// What stands behind the script of a shell: its arguments, which a script without `$` does not read.
pub(super) fn unread(container: &Container) -> Option<Diagnostic> {
    let words = &container.process.words;
    let shell = words.first()?.rsplit('/').next()?;
    let script = match words.get(1)?.as_str() {
        "-c" if SHELLS.contains(&shell) => words.get(2)?,
        _ => return None,
    };
    let lost = words.get(3)?;
    (!script.contains('$')).then(|| {
        place::in_container(container, "command",
            format!(
                "`{}` runs `{script}` alone: `{lost}` and what is behind it are arguments of the shell",
                container.name
            ),
            "leave the shell out, or write the whole line as one text",
        )
    })
}

/// What ends the process that it is run in.
const ENDING: [&str; 7] = [
    "kill", "pkill", "killall", "halt", "poweroff", "reboot", "shutdown",
];

/// A command of Compose, after the start, that ends what has just been started.
pub(super) fn ended(container: &Container) -> Vec<Diagnostic> {
    let hooks = container.value["post_start"].items().enumerate();
    let ending = hooks.filter_map(|(index, hook)| {
        let words = words(&hook["command"])?;
        let word = words.iter().find(|word| {
            let parts = word.split([' ', ';', '&', '|']);
            let mut names = parts.map(|part| part.rsplit('/').next().unwrap_or_default());
            names.any(|name| ENDING.contains(&name))
        })?;
        Some(place::in_container(
            container,
            &format!("post_start/{index}/command"),
            format!(
                "`{}` is ended as soon as it has started: `{word}`",
                container.name
            ),
            "take it away",
        ))
    });
    ending.collect()
}

/// Values that Docker does not create a container with.
pub(super) fn refused(container: &Container) -> Vec<Diagnostic> {
    let own = container.name.as_str();
    let mut found = Vec::new();
    let mut say = |pointer: String, what: &str, written: &str, help: &str| {
        let message = format!("Docker does not create `{own}`: {what} is `{written}`");
        found.push(place::in_container(container, &pointer, message, help));
    };
    for key in ["cap_add", "cap_drop"] {
        for (index, word) in container.value[key].texts().enumerate() {
            let word = filled(word).to_uppercase();
            let bare = word.strip_prefix("CAP_").unwrap_or(&word);
            if !bare.contains('$') && !CAPABILITIES.contains(&bare) {
                let help = "name a capability of Linux, as in `NET_RAW`, or `ALL`";
                say(format!("{key}/{index}"), "a capability", &word, help);
            }
        }
    }
    for (index, option) in container.value["security_opt"].texts().enumerate() {
        let option = filled(option);
        let value = option
            .strip_prefix("no-new-privileges")
            .map(|rest| &rest[1.min(rest.len())..]);
        if let Some(value) = value.filter(|value| !["", "true", "false"].contains(value)) {
            let help = "write `no-new-privileges:true`";
            say(
                format!("security_opt/{index}"),
                "`no-new-privileges`",
                value,
                help,
            );
        }
    }
    // Who begins with a digit is a number.
    let number = |word: &str| {
        let begins = word.starts_with(|first: char| first.is_ascii_digit());
        !begins || word.parse::<u32>().is_ok()
    };
    let command = container.value["command"]
        .texts()
        .next()
        .unwrap_or_default();
    let program = mistyped(command, RUNNERS).filter(|_| container.image.is_none());
    if let Some(meant) = program {
        say(
            "command/0".to_string(),
            "its program",
            command,
            &format!("did you mean `{meant}`?"),
        );
    }
    // Both are served as `module:name`.
    let serves = ["uvicorn", "hypercorn"].contains(&command);
    let told = container.value["command"]
        .texts()
        .skip(1)
        .any(|word| word.contains(':'));
    if serves && !told {
        say(
            "command".to_string(),
            "what it is to serve",
            "",
            "name the application, as in `service:app`",
        );
    }
    let words: Vec<&str> = container.value["command"].texts().collect();
    for (index, flag) in words.iter().enumerate().filter(|_| serves) {
        let value = words.get(index + 1).copied().unwrap_or_default();
        if ["--host", "--port"].contains(flag) && (value.is_empty() || value.starts_with('-')) {
            let what = format!("the value of {flag}");
            say(
                format!("command/{index}"),
                &what,
                value,
                "write it behind the flag",
            );
        }
    }
    let user = scalar(&container.value["user"]).unwrap_or_default();
    if !user.split(':').all(number) {
        say(
            "user".to_string(),
            "its user",
            &user,
            "write numbers, as in `65534:65534`, or names that its image knows",
        );
    }
    let groups = container.value["group_add"].items().filter_map(scalar);
    for (index, group) in groups.enumerate().filter(|(_, group)| !number(group)) {
        say(
            format!("group_add/{index}"),
            "a group",
            &group,
            "write a number, or a name that its image knows",
        );
    }
    let options = &container.value["logging"]["options"];
    let size = scalar(&options["max-size"]).unwrap_or_default();
    let digits = size.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let units = [
        "", "b", "k", "kb", "kib", "m", "mb", "mib", "g", "gb", "gib", "t", "tb", "tib",
    ];
    let unlimited = size == "-1" || size.contains('$');
    if !unlimited && !units.contains(&digits.trim().to_lowercase().as_str()) {
        say(
            "logging/options/max-size".to_string(),
            "the size of its log",
            &size,
            "write a size such as `10m`",
        );
    }
    let sized = |pointer: &'static str| {
        let text = scalar(container.value.pointer(&format!("/{pointer}"))?)?;
        Some((pointer, bytes(&text)?, text))
    };
    let most = container.limit("memory", "mem_limit").0.unwrap_or_default();
    if let Some(limit) = bytes(&most) {
        let reserved = sized("deploy/resources/reservations/memory");
        if let Some((at, reserved, text)) = reserved.or_else(|| sized("mem_reservation"))
            && reserved > limit
        {
            let what = format!("what is reserved for it, of at most {most},");
            say(
                at.to_string(),
                &what,
                &text,
                "reserve no more than its limit",
            );
        }
        if let Some((at, swap, text)) = sized("memswap_limit")
            && swap > 0.0
            && swap < limit
        {
            let what = format!("its memory and swap together, with {most} of memory,");
            say(
                at.to_string(),
                &what,
                &text,
                "make it no less than the memory",
            );
        }
    }
    let files = scalar(&options["max-file"]).unwrap_or_else(|| "1".to_string());
    if !files.contains('$') && files.parse::<u32>().is_err() {
        say(
            "logging/options/max-file".to_string(),
            "the number of its logs",
            &files,
            "write a number such as `3`",
        );
    }
    let image = scalar(&container.value["image"]).unwrap_or_default();
    let known = |c: char| c.is_ascii_alphanumeric() || "._-/:@+".contains(c);
    if !image.contains('$') && !image.chars().all(known) {
        say(
            "image".to_string(),
            "its image",
            &image,
            "write it as in `registry/name:tag`",
        );
    }
    found
}
