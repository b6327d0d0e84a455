//! What a server must not forget lies in a volume that outlives its container, and that it may write to.

use super::{Check, Example, Proof, place};
use crate::artifacts::Role;
use crate::diagnostic::Diagnostic;
use crate::stack::Stack;
use crate::stack::containers::Container;
use crate::stack::containers::images::WrittenBy;
use crate::stack::containers::mounts::{Mount, Sight, Source};
use crate::stack::containers::text::{normal, scalar};
use crate::value::Value;
use std::collections::HashMap;

pub(crate) const PROOF: Proof = Proof {
    code: "lost-data",
    doc: "Samples, silences or users outside a volume are gone with the next version of the image: `docker compose up` makes a new container. In a folder that cannot be written to, the server does not start.",
    example: Example::Rendered {
        role: Role::Compose,
        pointer: "/services/alertmanager/command/1",
        bad: r#""--storage.path=/var/lib/alertmanager""#,
    },
    check: Check::Stack(|stack| {
        let (mut found, mut owners) = (of_services(stack), HashMap::new());
        for container in stack.containers.started() {
            let Some(data) = container
                .process
                .program
                .and_then(|program| program.data.as_ref())
            else {
                continue;
            };
            found.extend(database(container));
            // What is told of no file has nothing to lose.
            if container.setting(data).0.is_empty() {
                continue;
            }
            let (path, pointer) = container.path(data);
            let sight = container.sees(&path);
            if let Some((pointer, why)) = far(stack, container, &sight) {
                found.push(finding(container, &path, pointer, &why));
                continue;
            }
            if let Some((pointer, why)) = lost(container, pointer, &sight) {
                found.push(finding(container, &path, pointer, &why));
                continue;
            }
            if let Sight::Mounted(
                Mount {
                    source: Source::Volume(name),
                    pointer,
                    ..
                },
                rest,
            ) = &sight
            {
                if let Some(other) =
                    owners.insert((called(stack, name), rest.clone()), container.name.clone())
                {
                    let why = format!("that is also where `{other}` keeps its own");
                    found.push(finding(container, &path, container.at(pointer), &why));
                }
                if let Some(user) = stranger(container) {
                    let why = format!("the volume belongs to the image's user, not to {user}");
                    found.push(finding(container, &path, container.at("user"), &why));
                }
            }
        }
        found
    }),
};

/// Volumes that the catalog keeps the data of its services in, and that are memory.
fn of_services(stack: &Stack) -> Vec<Diagnostic> {
    let containers = stack.containers.started();
    let own = containers.filter(|container| stack.catalog.service(&container.name).is_some());
    let mounts = own.flat_map(|container| container.mounts.iter().map(move |one| (container, one)));
    // What is mounted as memory by its own words is meant to be; a name promises a volume.
    let named = |(container, mount): &(&Container, &Mount)| {
        let written = container.value.pointer(&format!("/{}", mount.pointer));
        mount.source == Source::Memory && written.is_some_and(Value::is_string)
    };
    mounts
        .filter(named)
        .map(|(container, mount)| {
            let pointer = container.at(&mount.pointer);
            let why = "its volume is memory, and empty when the machine has started";
            finding(container, &mount.target, pointer, why)
        })
        .collect()
}

/// The name of a volume for Docker, which may be another than that under which it is declared.
fn called(stack: &Stack, name: &str) -> String {
    let declared = stack.containers.declared.volumes.get(name);
    let own = declared.and_then(|declared| scalar(&declared["name"]));
    own.unwrap_or_else(|| name.to_string())
}

/// A file beside the data, where that is in a place of its own.
fn database(container: &Container) -> Option<Diagnostic> {
    let program = container.process.program?;
    let (setting, data) = (program.database.as_ref()?, program.data.as_ref()?);
    // Another kind of database is a server.
    let kind = container.variable("GF_DATABASE_TYPE").unwrap_or("sqlite3");
    let url = container.variable("GF_DATABASE_URL");
    let url = url.and_then(|url| url.split_once("://"));
    let (kind, file) = match url {
        Some((kind, path)) => (kind, path.split('?').next().unwrap_or_default().to_string()),
        None => (kind, container.setting(setting).0),
    };
    if kind != "sqlite3" || file.contains('$') {
        return None;
    }
    let path = match file.starts_with('/') {
        true => normal(&file),
        false => normal(&format!("{}/{file}", container.path(data).0)),
    };
    // What is below the data is judged with it.
    let beside = !path.starts_with(&format!("{}/", container.path(data).0));
    let (pointer, why) = lost(
        container,
        container.at("environment"),
        &container.sees(&path),
    )
    .filter(|_| beside)?;
    Some(finding(container, &path, pointer, &why))
}

fn finding(container: &Container, path: &str, pointer: String, why: &str) -> Diagnostic {
    place::at(
        &container.file.path,
        pointer,
        format!("`{}` keeps its data in {path}: {why}", container.name),
        "mount a volume with a name of its own there, writable",
    )
}

/// Where it is written and why the data is not kept.
fn lost(container: &Container, pointer: String, sight: &Sight) -> Option<(String, String)> {
    let Sight::Mounted(mount, _) = sight else {
        let why = match container.value["read_only"] == true {
            true => "nothing is mounted there, and the rest of the container is read-only",
            false => "nothing is mounted there, and it goes with the container",
        };
        return Some((pointer, why.to_string()));
    };
    let why = match &mount.source {
        _ if mount.read_only => "it is mounted read-only".to_string(),
        Source::Outside(written) if let Some(folder) = emptied(written) => {
            format!("that is {written} of the machine, which empties {folder} when it starts")
        }
        Source::Volume(_) | Source::Outside(_) => return None,
        Source::Rendered(folder) => format!("that is {folder}/ of what is rendered"),
        Source::Anonymous => {
            "its volume has no name, and the next container gets another".to_string()
        }
        Source::Memory => "that is memory".to_string(),
        Source::Text => "that is a text".to_string(),
    };
    Some((container.at(&mount.pointer), why))
}

/// Folders of a machine that hold nothing when it has started.
const EMPTIED: [&str; 4] = ["/tmp", "/run", "/var/run", "/dev/shm"];

fn emptied(path: &str) -> Option<&'static str> {
    let path = normal(path);
    let below = |folder: &&str| path == *folder || path.starts_with(&format!("{folder}/"));
    EMPTIED.into_iter().find(below)
}

/// File systems of other machines.
const OF_OTHERS: [&str; 6] = ["nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "glusterfs"];

/// A volume on another machine, for a program whose files do not stay whole there.
fn far(stack: &Stack, container: &Container, sight: &Sight) -> Option<(String, String)> {
    if !container.process.program?.local {
        return None;
    }
    let Sight::Mounted(mount, _) = sight else {
        return None;
    };
    let Source::Volume(name) = &mount.source else {
        return None;
    };
    let declared = stack.containers.declared.volumes.get(name)?;
    let kind = scalar(&declared["driver_opts"]["type"])?;
    let far = OF_OTHERS.contains(&kind.as_str());
    let why = format!("its volume is on {kind}, where its files do not stay whole");
    far.then(|| (container.at(&mount.pointer), why))
}

/// A user who may not write to what belongs to the image's: a new volume takes over the owner of the image's folder.
fn stranger(container: &Container) -> Option<String> {
    let image = container.image?;
    if image.written_by() == WrittenBy::All {
        return None;
    }
    let user = scalar(&container.value["user"])?;
    let (own, group) = user.split_once(':').unwrap_or((&user, ""));
    let (owner, owners) = image.user().split_once(':')?;
    let named = |id: &str| match id {
        "nobody" => "65534".to_string(),
        "root" => "0".to_string(),
        id => id.to_string(),
    };
    let group = named(group) == owners && image.written_by() == WrittenBy::Group;
    let fits = [owner, "0"].contains(&named(own).as_str()) || group;
    // A variable is somebody else's to say.
    (!fits && !user.contains('$')).then(|| format!("the user {user}"))
}
