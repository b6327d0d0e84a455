//! Every file that is rendered for a program is read by it.

use super::{Check, Example, Proof, place};
use crate::artifacts::Role;
use crate::diagnostic::Diagnostic;
use crate::render::File;
use crate::stack::Stack;
use crate::stack::containers::mounts::{Sight, Source, places};
use crate::stack::containers::{Container, Project};

pub(crate) const PROOF: Proof = Proof {
    code: "unread-configuration",
    doc: "The images bring examples of their own: a server that is not led to what is rendered runs with those, or with an empty folder that Docker made, and says that all is healthy. A mount of one file keeps the old file when it is replaced, so that a reload changes nothing.",
    example: Example::Rendered {
        role: Role::Compose,
        pointer: "/services/prometheus/command/0",
        bad: r#""--config.file=/etc/prometheus/prometheus.yml""#,
    },
    check: Check::Stack(|stack| {
        let project = &stack.containers;
        // Without containers nobody is started from here.
        if project.started().next().is_none() {
            return Vec::new();
        }
        let mut found = Vec::new();
        // What runs without a container reads what somebody installs for it.
        let contained = |runs_on: &str| runs_on == "compose";
        let catalog = stack.catalog;
        let configs = stack.files.prometheus();
        let configs = configs.filter(|_| contained(&catalog.prometheus.runs_on));
        let routes = stack.files.alertmanager();
        let routes = routes.filter(|_| contained(&catalog.alertmanager.runs_on));
        let configs = configs.map(|file| (file, "prometheus"));
        let configs = configs.chain(routes.map(|file| (file, "alertmanager")));
        let prober = stack.files.blackbox().filter(|_| here(stack));
        for (file, program) in configs.chain(prober.map(|file| (file, "blackbox_exporter"))) {
            if project.readers(&file.path).next().is_none() {
                found.push(unread(project, file, program));
            }
        }
        if contained(&catalog.grafana.runs_on) {
            found.extend(provisioned(stack));
        }
        found.extend(
            project
                .started()
                .flat_map(|container| single(stack, container)),
        );
        found
    }),
};

/// Whether the blackbox exporter that is asked is one of the containers.
fn here(stack: &Stack) -> bool {
    let address = &stack.catalog.blackbox.address;
    let host = address
        .rsplit_once(':')
        .map_or(address.as_str(), |(host, _)| host);
    stack.containers.container(host).is_some()
}

fn unread(project: &Project, file: &File, program: &str) -> Diagnostic {
    let help = "lead the program's flag to the path at which the rendered file is mounted";
    let Some(container) = project.running(program).next() else {
        return place::at(
            &file.path,
            "",
            format!("no container is started with {}", file.path),
            help,
        );
    };
    let Some(config) = container
        .process
        .program
        .and_then(|program| program.config.as_ref())
    else {
        return place::at(
            &file.path,
            "",
            format!("no container is started with {}", file.path),
            help,
        );
    };
    let (path, pointer) = container.path(config);
    let message = format!(
        "`{}` reads {path}, which is {}, not {}",
        container.name,
        what(&container.sees(&path)),
        file.path
    );
    place::at(&container.file.path, pointer, message, help)
}

/// What stands at a path, in words.
fn what(sight: &Sight) -> String {
    match (sight.rendered(), sight) {
        (Some(path), _) => path,
        (None, Sight::Image) => "the image's own file".to_string(),
        (None, Sight::Mounted(mount, _)) => match &mount.source {
            Source::Outside(path) => format!("below {path} of the machine"),
            Source::Volume(name) => format!("in the volume `{name}`"),
            _ => "nothing of what is rendered".to_string(),
        },
    }
}

/// The folder in which a container looks.
type Folder<'f> = dyn Fn(&Container) -> Option<String> + 'f;

/// What is lost for Grafana: data sources, providers, dashboards.
fn provisioned(stack: &Stack) -> Vec<Diagnostic> {
    let project = &stack.containers;
    let known: Vec<&Container> = project.running("grafana").collect();
    // Where Grafana looks, in any of its containers; of an image that is not known, wherever it sees the file.
    let seen = |file: &File, folder: &Folder, ending: &[&str]| {
        let inside = |container: &Container, place: &str| {
            let Some(folder) = folder(container) else {
                return false;
            };
            let below = place
                .strip_prefix(folder.trim_end_matches('/'))
                .and_then(|rest| rest.strip_prefix('/'));
            below.is_some() && ending.iter().any(|ending| place.ends_with(ending))
        };
        let in_known = |container: &&Container| {
            places(&container.mounts, &file.path).any(|place| inside(container, &place))
        };
        let in_other = |container: &Container| {
            container.image.is_none() && places(&container.mounts, &file.path).next().is_some()
        };
        known.iter().any(in_known) || known.is_empty() && project.started().any(in_other)
    };
    let below = |container: &Container, folder: &str| {
        let setting = container.process.program?.provisioning.as_ref()?;
        Some(format!("{}/{folder}", container.path(setting).0))
    };
    let mut found = Vec::new();
    for file in stack.files.all() {
        let (folder, ending): (&Folder, &[&str]) = match file.role {
            Role::Datasources => (
                &|container| below(container, "datasources"),
                &[".yml", ".yaml"],
            ),
            Role::DashboardProvider => (
                &|container| below(container, "dashboards"),
                &[".yml", ".yaml"],
            ),
            _ => continue,
        };
        if !seen(file, folder, ending) {
            found.push(place::at(
                &file.path,
                "",
                format!("Grafana does not see {} where it looks for such files", file.path),
                "mount its folder at `datasources` or `dashboards` of the folder in GF_PATHS_PROVISIONING",
            ));
        }
    }
    let folders: Vec<String> = stack
        .files
        .providers()
        .filter_map(|provider| provider["options"]["path"].as_str().map(str::to_string))
        .collect();
    for file in stack.files.dashboards() {
        let shown = folders.iter().any(|folder| {
            seen(
                file,
                &|container| Some(container.absolute(folder)),
                &[".json"],
            )
        });
        if !shown {
            found.push(place::at(
                &file.path,
                "/title",
                "no provider loads this dashboard",
                "mount its folder and name it under `options.path` of a provider",
            ));
        }
    }
    found
}

/// Mounts of a single rendered file.
fn single(stack: &Stack, container: &Container) -> Vec<Diagnostic> {
    let mounts = container
        .mounts
        .iter()
        .filter(|mount| mount.pointer.starts_with("volumes/"));
    let one = mounts.filter_map(|mount| match &mount.source {
        Source::Rendered(path) => Some((mount, stack.files.at(path)?)),
        _ => None,
    });
    one.map(|(mount, file)| {
        place::in_container(
            container,
            &mount.pointer,
            format!(
                "`{}` mounts the single file {}, and keeps it when it is replaced",
                container.name, file.path
            ),
            "mount its folder",
        )
    })
    .collect()
}
