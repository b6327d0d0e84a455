//! What the command line and the environment say of one server: its address, and what lets in.

use crate::diagnostic::{Diagnostic, Place};
use crate::live::endpoint::{Endpoint, Login};
use crate::live::secret;
use anyhow::{Result, bail};
use std::env::var;
use std::path::Path;

/// What the command line says of one server.
pub(crate) struct Given<'a> {
    pub(super) name: &'static str,
    pub(super) url: Option<&'a str>,
    pub(super) token_file: Option<&'a Path>,
    pub(super) user: Option<&'a str>,
    pub(super) password_file: Option<&'a Path>,
}

impl Given<'_> {
    fn flag(&self, what: &str) -> String {
        format!("--{}-{what}", self.name.to_lowercase())
    }

    /// A variable of the environment that says something.
    fn variable(&self, what: &str) -> Option<String> {
        var(format!("{}_{what}", self.name.to_uppercase()))
            .ok()
            .filter(|value| !value.is_empty())
    }

    /// The server: at the address of its flag, of the environment, or `default`; None: nobody says where it is.
    pub(crate) fn endpoint(&self, default: Option<&str>) -> Result<Option<Endpoint>> {
        let url = self
            .url
            .map(str::to_string)
            .or_else(|| self.variable("URL"))
            .or(default.map(str::to_string));
        url.map(|url| Endpoint::new(self.name, &url, self.login()?))
            .transpose()
    }

    /// The server at the address of its flag, and nowhere else; what lets in is of no use without it.
    pub(crate) fn named(&self) -> Result<Option<Endpoint>> {
        let alone = [
            (self.token_file.is_some(), "token-file"),
            (self.user.is_some(), "user"),
            (self.password_file.is_some(), "password-file"),
        ];
        match (self.url, alone.iter().find(|(given, _)| *given)) {
            (Some(url), _) => Endpoint::new(self.name, url, self.login()?).map(Some),
            (None, Some((_, what))) => bail!("{} needs {}", self.flag(what), self.flag("url")),
            (None, None) => Ok(None),
        }
    }

    /// What flags say goes before what the environment says.
    fn login(&self) -> Result<Login> {
        let by_password = self.user.is_some() || self.password_file.is_some();
        match (self.token_file, by_password) {
            (Some(_), true) => bail!(
                "{} and {}: give one of them",
                self.flag("token-file"),
                self.flag("password-file")
            ),
            (Some(path), false) => self.token(path),
            (None, true) => Ok(Login::Password(self.user(), self.password()?)),
            (None, false) => self.login_of_environment(),
        }
    }

    fn token(&self, path: &Path) -> Result<Login> {
        let flag = self.flag("token-file");
        match secret::line(&flag, path)?.trim() {
            "" => bail!(secret::SECRET.refusal(&flag, path, "it holds nothing but blanks")),
            token => Ok(Login::Token(token.to_string())),
        }
    }

    fn login_of_environment(&self) -> Result<Login> {
        match (self.variable("TOKEN"), self.user()) {
            (Some(token), _) if token.trim().chars().any(char::is_control) => {
                bail!("the token of {} is not one line of text", self.name)
            }
            (Some(token), _) if !token.trim().is_empty() => {
                Ok(Login::Token(token.trim().to_string()))
            }
            (_, Some(user)) => Ok(Login::Password(Some(user), self.password()?)),
            _ => Ok(Login::Address),
        }
    }

    fn user(&self) -> Option<String> {
        self.user
            .map(str::to_string)
            .or_else(|| self.variable("USER"))
    }

    fn password(&self) -> Result<Option<String>> {
        let line = |path| secret::line(&self.flag("password-file"), path);
        let read = self.password_file.map(line).transpose()?;
        Ok(read.or_else(|| self.variable("PASSWORD")))
    }

    /// What every user of this machine can read in the list of processes.
    pub(crate) fn exposed(&self) -> Option<Diagnostic> {
        let (_, rest) = self.url?.split_once("://")?;
        let (user, _) = rest.rsplit_once('@')?;
        let (url, file, variable) = (
            self.flag("url"),
            self.flag("password-file"),
            format!("{}_PASSWORD", self.name.to_uppercase()),
        );
        let message = format!(
            "the password in {url} can be read by every user of this machine, in the list of processes"
        );
        user.contains(':').then(|| {
            Diagnostic::warning("password-on-command-line", Place::File(url), message)
                .help(format!("give the user with {} and the password in a file with {file}, or in {variable}", self.flag("user")))
        })
    }
}
