//! Questions, on a terminal.

use super::draft::{Draft, Found};
use anyhow::{Context, Result};
use std::io::BufRead;

/// Asks for what there is no flag for, until there is a service.
pub(super) fn ask(draft: &mut Draft) -> Result<()> {
    let title = draft.title().to_string();
    if let Some(name) = answer(&format!("What is the platform called? [{title}]"))? {
        draft.call(&name);
        draft.notes.clear();
    }
    if let Some(runtime) = answer("What are its services written in? [python]")? {
        draft.written_in(&runtime);
    }
    loop {
        let asked = match draft.services.len() {
            0 => "A service and the port of its /metrics, as checkout:8001:",
            _ => "Another one? [no]",
        };
        let Some(given) = answer(asked)? else {
            if draft.services.is_empty() {
                continue;
            }
            return Ok(());
        };
        let pair = given.rsplit_once(':');
        let port = pair.and_then(|(_, port)| port.trim().parse::<u16>().ok());
        match (pair, port.filter(|port| *port > 0)) {
            (Some((name, _)), Some(port)) => {
                drop(draft.add(Found::at_port(name.trim(), port, "your answer")))
            }
            _ if given == "no" && !draft.services.is_empty() => return Ok(()),
            _ => crate::commands::report::say("a name, a colon and a port from 1 to 65535"),
        }
    }
}

/// One line, without its end; None: it is empty.
fn answer(question: &str) -> Result<Option<String>> {
    crate::commands::report::say(question);
    let mut line = String::new();
    let read = std::io::stdin()
        .lock()
        .read_line(&mut line)
        .context("cannot read an answer")?;
    anyhow::ensure!(
        read > 0,
        "the answers end here, and there is no service yet"
    );
    let line = line.trim();
    Ok((!line.is_empty()).then(|| line.to_string()))
}
