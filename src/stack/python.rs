//! Short Python programs, as health checks give them to `python3 -c`, run over everything that they may be answered.

mod read;
mod run;

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// Who answers a program's questions.
pub trait World {
    /// What becomes of a connection.
    fn answer(&mut self, asked: Asked) -> Answer;
    /// The value of an environment variable, as far as it is known.
    fn variable(&self, name: &str) -> Option<String>;
}

/// What a program asks for.
#[derive(Clone, Copy, Debug)]
pub enum Asked<'a> {
    /// An address, by way of a proxy where the environment names one.
    Url(&'a str),
    /// A connection to a host and port, and the path that is asked for there.
    Host(&'a str, u16, Option<&'a str>),
}

/// What it meets there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Status(u16),
    Nobody,
    Unknown,
}

/// How a program may end.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    pub well: bool,
    pub badly: bool,
    /// Why it ends badly whatever happens: Python does not read it, or it uses what it has not imported.
    pub reason: Option<String>,
}

impl Outcome {
    const EITHER: Outcome = Outcome {
        well: true,
        badly: true,
        reason: None,
    };
}

/// Beyond this many ways through a program it is not followed.
const MOST_WAYS: usize = 256;

/// Programs by their code, each read once in however many worlds it is run.
#[derive(Default)]
pub struct Programs(RefCell<HashMap<String, Rc<read::Program>>>);

impl Programs {
    /// How a program ends in a world.
    pub fn outcome(&self, code: &str, world: &mut dyn World) -> Outcome {
        let mut known = self.0.borrow_mut();
        let read = || Rc::new(read::program(code));
        let program = known.entry(code.to_string()).or_insert_with(read).clone();
        drop(known);
        outcome(&program, world)
    }
}

/// How a program ends in a world; what is not understood of it may end either way.
fn outcome(program: &read::Program, world: &mut dyn World) -> Outcome {
    let program = match program {
        Ok(program) => program,
        Err(read::Unread::Beyond) => return Outcome::EITHER,
        Err(read::Unread::Wrong(reason)) => {
            return Outcome {
                badly: true,
                reason: Some(format!("Python does not read its code: {reason}")),
                ..Outcome::default()
            };
        }
    };
    let mut found = Outcome::default();
    let mut ways = run::Ways::default();
    for _ in 0..MOST_WAYS {
        let mut run = run::Run::new(world, &mut ways);
        match run.program(program) {
            run::End::Well => found.well = true,
            run::End::Badly(reason) => {
                found.badly = true;
                found.reason = found.reason.or(reason);
            }
            run::End::Beyond => return Outcome::EITHER,
        }
        if !ways.next() {
            return found;
        }
    }
    Outcome::EITHER
}

/// A name → what it stands for.
type Names = HashMap<String, run::Value>;
