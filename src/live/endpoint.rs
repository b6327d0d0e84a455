//! A server with an API: its address, and the secret that only it is told.

use super::http::{Answer, Client, Failure};
use anyhow::{Context, Result, bail};
use base64::Engine;
use serde_json::Value;
use std::path::Path;

/// Where a server is, and how to be let in. The secret has no way to be printed.
pub struct Endpoint {
    /// What people call it: Prometheus, Alertmanager, Grafana.
    pub name: &'static str,
    /// Without user, password or a slash at the end.
    pub url: String,
    authorization: Option<String>,
}

/// Why a server's API gave nothing.
#[derive(Clone, Debug)]
pub enum Refusal {
    /// There is no answer.
    Failed(Failure),
    /// It wants a token or password, or another one.
    Unauthorized(u16),
    /// It sends people elsewhere.
    Redirect(String),
    /// It answers with an error; its words are in here.
    Status(u16, String),
    /// It answers, but not as such a server does.
    Stranger(String),
}

impl Endpoint {
    /// From an address, which may hold `user:password@`, and a file with a token.
    pub fn new(name: &'static str, url: &str, token_file: Option<&Path>, token: Option<String>) -> Result<Endpoint> {
        let Some((scheme, rest)) = url.split_once("://").filter(|(scheme, _)| matches!(*scheme, "http" | "https")) else {
            bail!("the address of {name} does not start with http:// or https://");
        };
        let authority = rest.split('/').next().unwrap_or_default().len();
        let (user, host) = match rest[..authority].rsplit_once('@') {
            Some((user, _)) => (Some(user), &rest[user.len() + 1..]),
            None => (None, rest),
        };
        let token = match token_file {
            Some(path) => Some(std::fs::read_to_string(path).with_context(|| format!("cannot read the token of {name} from {}", path.display()))?),
            None => token,
        };
        let token = token.map(|token| token.trim().to_string()).filter(|token| !token.is_empty());
        if token.as_ref().is_some_and(|token| token.chars().any(char::is_control)) {
            bail!("the token of {name} is not one line of text");
        }
        let basic = user.map(|user| format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(decoded(user))));
        let authorization = token.map(|token| format!("Bearer {token}")).or(basic);
        Ok(Endpoint { name, url: format!("{scheme}://{}", host.trim_end_matches('/')), authorization })
    }

    /// GETs a path; the secret goes to this server and nowhere else.
    pub fn get(&self, client: &Client, path: &str) -> Result<Answer, Refusal> {
        let headers: Vec<(&str, &str)> = self.authorization.iter().map(|secret| ("authorization", secret.as_str())).collect();
        let answer = client.get(&format!("{}{path}", self.url), &headers).map_err(Refusal::Failed)?;
        match answer.status {
            200..=299 => Ok(answer),
            status @ (401 | 403) => Err(Refusal::Unauthorized(status)),
            300..=399 => Err(Refusal::Redirect(without_user(&answer.location))),
            status => Err(Refusal::Status(status, error_of(&answer.body))),
        }
    }

    /// GETs a path as JSON.
    pub fn json(&self, client: &Client, path: &str) -> Result<Value, Refusal> {
        let answer = self.get(client, path)?;
        serde_json::from_slice(&answer.body).map_err(|_| Refusal::Stranger(beginning(&answer.body)))
    }

    /// The sentence about a refusal.
    pub fn sentence(&self, refusal: &Refusal) -> String {
        let (name, url) = (self.name, &self.url);
        match refusal {
            Refusal::Failed(failure) => format!("{name} at {url}: {failure}"),
            Refusal::Unauthorized(401) if self.authorization.is_none() => format!("{name} at {url} asks for a token or password (401)"),
            Refusal::Unauthorized(status) => format!("{name} at {url} does not let this user in ({status})"),
            Refusal::Redirect(to) => format!("{name} at {url} redirects to {to}, which is not followed: give the address at which it answers"),
            Refusal::Status(status, reason) => format!("{name} at {url} answers {status}: {reason}"),
            Refusal::Stranger(begins) => format!("what answers at {url} is not {name}: its answer begins with {begins}"),
        }
    }
}

fn without_user(url: &str) -> String {
    let begin = url.find("://").map_or(0, |at| at + 3);
    let end = url[begin..].find('/').map_or(url.len(), |at| begin + at);
    match url[begin..end].rfind('@') {
        Some(at) => format!("{}{}", &url[..begin], &url[begin + at + 1..]),
        None => url.to_string(),
    }
}

/// `%40` → `@`.
fn decoded(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let code = (*first == b'%').then(|| tail.get(..2).and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok())).flatten();
        out.push(code.unwrap_or(*first));
        rest = if code.is_some() { &tail[2..] } else { tail };
    }
    out
}

/// Text for a query string.
pub fn encoded(text: &str) -> String {
    text.bytes().map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

fn error_of(body: &[u8]) -> String {
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    ["error", "message"].iter().find_map(|key| value[*key].as_str()).map_or_else(|| beginning(body), str::to_string)
}

/// The first words of an answer, on one line.
pub fn beginning(body: &[u8]) -> String {
    let text: String = String::from_utf8_lossy(&body[..body.len().min(400)]).chars().take(60).collect();
    if text.is_empty() { "nothing".into() } else { format!("`{}`", text.escape_debug()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_leaves_the_address() {
        let endpoint = Endpoint::new("Prometheus", "http://me:s%40cret@127.0.0.1:9090/", None, None).unwrap();
        assert_eq!(endpoint.url, "http://127.0.0.1:9090");
        assert_eq!(endpoint.authorization.as_deref(), Some("Basic bWU6c0BjcmV0"));
        assert_eq!(without_user("https://me:secret@host/a@b"), "https://host/a@b");
        assert!(Endpoint::new("Prometheus", "127.0.0.1:9090", None, None).is_err());
        assert!(Endpoint::new("Prometheus", "http://h", None, Some("a\nb".into())).is_err());
    }
}
