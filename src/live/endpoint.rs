//! A server with an API: its address, and the secret that only it is sent.

use super::http::{Answer, Client, Failure};
use super::secret::without_user;
use crate::value::Value;
use anyhow::{Context, Result, bail};
use base64::Engine;
use percent_encoding::percent_decode_str;
use std::sync::{Mutex, PoisonError};
use ureq::http::Uri;

/// Where a server is, and how to be let in. The secret has no way to be printed.
pub(crate) struct Endpoint {
    /// What people call it: Prometheus, Alertmanager, Grafana.
    pub name: &'static str,
    /// Without user, password or a slash at the end.
    pub url: String,
    authorization: Option<String>,
    silence: Mutex<Silence>,
}

/// Answers that a server owes: who asks hundreds of questions does not wait for each.
#[derive(Default)]
struct Silence {
    /// Questions in a row that it left without an answer.
    unanswered: usize,
    /// Questions that it was not asked any more.
    unasked: usize,
    last: Option<Failure>,
}

/// After so many in a row a server is asked no more: one may be a question that costs too much.
const PATIENCE: usize = 3;

/// Why a server's API gave nothing.
#[derive(Clone, Debug)]
pub(crate) enum Refusal {
    Failed(Failure),
    /// It wants a token or password, or another one.
    Unauthorized(u16),
    Redirect(String),
    /// It answers with an error; its words are in here.
    Status(u16, String),
    /// It answers, but not as such a server does.
    Stranger(String),
}

/// How a server is asked: with which login.
#[derive(Clone, Default)]
pub(crate) enum Login {
    /// Nothing but what the address itself holds.
    #[default]
    Address,
    Token(String),
    /// A user, else the address's, and a password, else the address's.
    Password(Option<String>, Option<String>),
}

impl Endpoint {
    /// From an address, which may hold `user:password@`, and what else it takes to be let in.
    pub(crate) fn new(name: &'static str, url: &str, login: Login) -> Result<Endpoint> {
        let Some((scheme, rest)) = url
            .split_once("://")
            .filter(|(scheme, _)| matches!(*scheme, "http" | "https"))
        else {
            bail!("the address of {name} does not start with http:// or https://");
        };
        let (authority, path) =
            rest.split_at(rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len()));
        let file = format!("--{}-password-file", name.to_lowercase());
        if path.contains('@') {
            bail!(
                "the address of {name} has an `@` behind a `/`, `?`, `#` or `\\`, so its password cannot be told from its path: \
                 in a password write them as %2F, %3F, %23 and %5C, in a path write `@` as %40; better, give the password in a file with {file}"
            );
        }
        if path.contains(['?', '#', '\\']) {
            bail!(
                "the address of {name} has a `?`, `#` or `\\` in it: give the address under which its API begins; a password belongs into a file, given with {file}"
            );
        }
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        let url = format!("{scheme}://{host}{}", path.trim_end_matches('/'));
        let host_and_port = |uri: &Uri| {
            uri.authority()
                .is_some_and(|at| at.port().is_some() || at.as_str().len() == at.host().len())
        };
        if !url.parse::<Uri>().is_ok_and(|uri| host_and_port(&uri)) {
            bail!(
                "the address of {name} is not a URL: write it as in {scheme}://host:9090, and a password into a file, given with {file}"
            );
        }
        let (user, password) = user.map_or((None, None), |user| match user.split_once(':') {
            Some((user, password)) => (Some(decoded(user)), Some(decoded(password))),
            None => (Some(decoded(user)), None),
        });
        let authorization = authorization(name, login, user, password)?;
        Ok(Endpoint {
            name,
            url,
            authorization,
            silence: Mutex::default(),
        })
    }

    /// Whether to ask it: it answers, or has not been given up.
    fn asked(&self) -> Result<(), Failure> {
        let mut silence = self.silence.lock().unwrap_or_else(PoisonError::into_inner);
        match &silence.last {
            Some(last) if silence.unanswered >= PATIENCE => {
                let last = last.clone();
                silence.unasked += 1;
                Err(last)
            }
            _ => Ok(()),
        }
    }

    fn noted(&self, answer: Result<Answer, Failure>) -> Result<Answer, Failure> {
        let mut silence = self.silence.lock().unwrap_or_else(PoisonError::into_inner);
        match &answer {
            Err(failure) if failure.is_silence() => {
                silence.unanswered += 1;
                silence.last = Some(failure.clone());
            }
            // Others that were asked before may still come back without an answer.
            _ if silence.unanswered < PATIENCE => silence.unanswered = 0,
            _ => {}
        }
        answer
    }

    /// It is asked anew, whatever was before.
    pub(crate) fn begin(&self) {
        *self.silence.lock().unwrap_or_else(PoisonError::into_inner) = Silence::default();
    }

    /// That it was given up, and what that leaves unknown; None: it answers.
    pub(crate) fn given_up(&self) -> Option<String> {
        let silence = self.silence.lock().unwrap_or_else(PoisonError::into_inner);
        let last = silence.last.as_ref()?;
        (silence.unanswered >= PATIENCE).then(|| {
            format!(
                "{} at {}: {last}; {} after it were not asked",
                self.name,
                self.url,
                crate::diagnostic::plural(silence.unasked, "question")
            )
        })
    }

    /// GETs a path; the secret goes to this server and nowhere else. A query too long for an address is POSTed as a form, which
    /// Prometheus takes as the same: <https://prometheus.io/docs/prometheus/latest/querying/api/>.
    pub(crate) fn get(&self, client: &Client, path: &str) -> Result<Answer, Refusal> {
        let mut headers: Vec<(&str, &str)> = self
            .authorization
            .iter()
            .map(|secret| ("authorization", secret.as_str()))
            .collect();
        self.asked().map_err(Refusal::Failed)?;
        let answer = match path.split_once('?') {
            Some((path, form)) if form.len() > LONGEST_QUERY => {
                headers.push(("content-type", "application/x-www-form-urlencoded"));
                client.post(&format!("{}{path}", self.url), &headers, form)
            }
            _ => client.get(&format!("{}{path}", self.url), &headers),
        };
        let answer = self.noted(answer).map_err(Refusal::Failed)?;
        match answer.status {
            200..=299 => Ok(answer),
            status @ (401 | 403) => Err(Refusal::Unauthorized(status)),
            300..=399 => Err(Refusal::Redirect(without_user(&answer.location))),
            status => Err(Refusal::Status(status, error_of(&answer.body))),
        }
    }

    /// GETs a path as JSON.
    pub(crate) fn json(&self, client: &Client, path: &str) -> Result<Value, Refusal> {
        let answer = self.get(client, path)?;
        serde_json::from_slice(&answer.body).map_err(|_| Refusal::Stranger(beginning(&answer.body)))
    }

    /// The sentence about a refusal.
    pub(crate) fn sentence(&self, refusal: &Refusal) -> String {
        let (name, url) = (self.name, &self.url);
        match refusal {
            Refusal::Failed(failure) => format!("{name} at {url}: {failure}"),
            Refusal::Unauthorized(401) if self.authorization.is_none() => {
                format!("{name} at {url} asks for a token or password (401)")
            }
            Refusal::Unauthorized(status) => {
                format!("{name} at {url} does not let this user in ({status})")
            }
            Refusal::Redirect(to) => format!(
                "{name} at {url} redirects to {to}, which is not followed: give the address at which it answers"
            ),
            Refusal::Status(status, reason) => {
                format!("{name} at {url} answers {status}: {reason}")
            }
            Refusal::Stranger(begins) => {
                format!("what answers at {url} is not {name}: its answer begins with {begins}")
            }
        }
    }
}

/// The header of a name and a password.
pub(crate) fn basic(user: impl Into<Vec<u8>>, password: impl Into<Vec<u8>>) -> String {
    let pair = [user.into(), b":".to_vec(), password.into()].concat();
    format!(
        "Basic {}",
        base64::engine::general_purpose::STANDARD.encode(pair)
    )
}

/// The header that lets in: of a login, and of what the address held.
fn authorization(
    name: &str,
    login: Login,
    user: Option<Vec<u8>>,
    password: Option<Vec<u8>>,
) -> Result<Option<String>> {
    let flag = format!("--{}", name.to_lowercase());
    Ok(match login {
        Login::Token(token) => Some(format!("Bearer {token}")),
        Login::Address => user.map(|user| basic(user, password.unwrap_or_default())),
        Login::Password(own, secret) => {
            let user = own.map(String::into_bytes).or(user).with_context(|| {
                format!("the password of {name} has no user: name one with {flag}-user")
            })?;
            let secret = secret.map(String::into_bytes);
            let password = secret.or(password).with_context(|| {
                format!("{flag}-user has no password: give it in a file with {flag}-password-file")
            })?;
            Some(basic(user, password))
        }
    })
}

/// `%40` → `@`.
fn decoded(text: &str) -> Vec<u8> {
    percent_decode_str(text).collect()
}

/// Text for a query string.
pub(crate) fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

/// Characters of a query in an address: every server and proxy takes so many.
const LONGEST_QUERY: usize = 2000;

/// Characters of a server's own sentence that are repeated.
const LONGEST: usize = 400;

fn error_of(body: &[u8]) -> String {
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    ["error", "message"]
        .iter()
        .find_map(|key| value[*key].as_str())
        .map_or_else(
            || beginning(body),
            |text| text.chars().take(LONGEST).collect(),
        )
}

/// The first words of an answer, on one line.
pub(crate) fn beginning(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(400)])
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    let text: String = text.chars().take(60).collect();
    if text.is_empty() {
        "nothing".into()
    } else {
        format!("`{text}`")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_leaves_the_address() {
        let of = |url: &str, login| Endpoint::new("Prometheus", url, login);
        let endpoint = of("http://me:s%40cret@127.0.0.1:9090/", Login::Address).unwrap();
        assert_eq!(endpoint.url, "http://127.0.0.1:9090");
        assert_eq!(
            endpoint.authorization.as_deref(),
            Some("Basic bWU6c0BjcmV0")
        );
        let same = Login::Password(Some("me".into()), Some("s@cret".into()));
        assert_eq!(
            of("http://127.0.0.1:9090", same).unwrap().authorization,
            endpoint.authorization
        );
        assert_eq!(
            of(
                "http://me@127.0.0.1:9090",
                Login::Password(None, Some("s@cret".into()))
            )
            .unwrap()
            .authorization,
            endpoint.authorization
        );
        assert_eq!(
            of("http://me:s@cret@127.0.0.1:9090/x/", Login::Address)
                .unwrap()
                .url,
            "http://127.0.0.1:9090/x"
        );
        assert_eq!(
            of("http://[::1]:9090", Login::Address).unwrap().url,
            "http://[::1]:9090"
        );
        assert!(
            of("http://h", Login::Password(Some("me".into()), None)).is_err()
                && of("http://h", Login::Password(None, Some("x".into()))).is_err()
        );
        let wrong = [
            "127.0.0.1:9090",
            "http://me:s/ecret@h:1",
            "http://me:s?ecret@h",
            "http://me:s#ecret@h",
            "http://me:secret@h:port",
            "http://me:secret@h/?x",
            "http://",
        ];
        for url in wrong {
            let reason = of(url, Login::Address)
                .err()
                .unwrap_or_else(|| panic!("{url}"))
                .to_string();
            assert!(
                !reason.contains("cret") && reason.contains("Prometheus"),
                "{url}: {reason}"
            );
        }
    }

    #[test]
    fn a_query_too_long_for_an_address_is_a_form() {
        use std::io::{Read, Write};
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let seen = std::thread::spawn(move || {
            let mut seen = Vec::new();
            for _ in 0..2 {
                let (mut stream, _) = listener.accept().unwrap();
                let (mut text, mut part) = (String::new(), [0; 8192]);
                let end = |text: &str| {
                    if text.starts_with("POST") {
                        "END"
                    } else {
                        "\r\n\r\n"
                    }
                };
                while !text.ends_with(end(&text)) {
                    let read = stream.read(&mut part).unwrap();
                    text.push_str(std::str::from_utf8(&part[..read]).unwrap());
                    if read == 0 {
                        break;
                    }
                }
                let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
                stream.write_all(answer.as_bytes()).unwrap();
                seen.push(text);
            }
            seen
        });
        let endpoint = Endpoint::new("Prometheus", &address, Login::Token("t".into())).unwrap();
        let client = Client::new(std::time::Duration::from_secs(5), None).unwrap();
        let long = format!("/api/v1/query?query={}END", "a".repeat(20_000));
        endpoint.json(&client, "/api/v1/query?query=up").unwrap();
        endpoint.json(&client, &long).unwrap();
        let seen = seen.join().unwrap();
        assert!(seen[0].starts_with("GET /api/v1/query?query=up "));
        assert!(
            seen[1].starts_with("POST /api/v1/query HTTP"),
            "{}",
            seen[1]
        );
        assert!(seen[1].ends_with(&long["/api/v1/query?".len()..]));
        assert!(
            seen.iter()
                .all(|text| text.contains("authorization: Bearer t"))
        );
    }
}
