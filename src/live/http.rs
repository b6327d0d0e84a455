//! One HTTP request at a time, bounded in time and size; each way to fail has its own sentence.

use chrono::{DateTime, Utc};
use std::fmt;
use std::time::{Duration, Instant};
use ureq::config::Config;
use ureq::http::Uri;
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Error, RequestBuilder};

#[derive(Clone)]
pub(crate) struct Client {
    agent: Agent,
    timeout: Duration,
}

/// Whose certificate is believed, and which is shown; by default those that the public authorities signed, and none.
#[derive(Default)]
pub(crate) struct Trust {
    /// PEM certificates to believe instead of the public authorities.
    pub authorities: Option<Vec<u8>>,
    /// A certificate of this client's own and its key, as PEM.
    pub own: Option<(Vec<u8>, Vec<u8>)>,
    /// Any certificate is believed.
    pub anybody: bool,
    /// What is asked at the host of this name is at that host in truth; the certificate bears the name.
    pub instead: Option<(String, String)>,
}

/// More than any scrape or rule list has; an endless answer ends here.
const SIZE_LIMIT: u64 = 32 << 20;

/// An answer, whatever its status.
pub(crate) struct Answer {
    /// 200 and the like.
    pub status: u16,
    /// The header Content-Type; empty when there is none.
    pub content_type: String,
    pub location: String,
    /// At most 32 MiB.
    pub body: Vec<u8>,
    /// From the first packet to the last.
    pub took: Duration,
    /// How far the clock of the server is ahead of this machine's, in seconds, by its header Date; 0 where the two cannot be told
    /// apart, None where it says nothing.
    pub ahead: Option<f64>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Failure {
    /// Nothing listens there.
    Refused,
    /// The name does not resolve.
    NoSuchHost,
    /// No route, or a dropped connection.
    Unreachable(String),
    /// Packets get no reply.
    NoConnection(Duration),
    /// It accepts connections and says nothing.
    NoAnswer(Duration),
    /// It began to answer and did not end.
    Unfinished(Duration),
    /// It sent more than anyone reads.
    TooLarge,
    /// It closed the connection half-way.
    CutOff,
    /// The encrypted connection could not be made.
    Tls(String),
    /// It does not speak HTTP.
    NotHttp(String),
    /// The address itself is wrong.
    BadAddress(String),
}

/// Why an encrypted connection is not made, as far as it can be mended.
#[derive(Debug)]
pub(crate) enum Untrusted {
    /// Nobody that is believed signed its certificate.
    Stranger,
    /// Its certificate is that of an authority, which it signed itself.
    Authority,
    /// Its certificate bears another name.
    Name,
    Expired,
    /// It wants to know who asks.
    Anonymous,
}

impl Untrusted {
    /// Of the words of a failure.
    pub(crate) fn of(reason: &str) -> Option<Untrusted> {
        let causes = [
            ("UnknownIssuer", Untrusted::Stranger),
            ("CaUsedAsEndEntity", Untrusted::Authority),
            ("NotValidForName", Untrusted::Name),
            ("not valid for name", Untrusted::Name),
            ("Expired", Untrusted::Expired),
            ("expired", Untrusted::Expired),
            ("CertificateRequired", Untrusted::Anonymous),
        ];
        let mut causes = causes.into_iter();
        causes.find_map(|(words, cause)| reason.contains(words).then_some(cause))
    }
}

/// `openssl req -x509` makes such a certificate, and Prometheus takes it where it is its `ca_file`.
pub(crate) const SELF_SIGNED: &str = "make its certificate anew, as a server's and not as an authority's (`openssl req -x509 … -addext basicConstraints=critical,CA:FALSE`): with the one that it has it is not believed here, though Prometheus may be told to believe it";

impl Failure {
    /// Whether it took all the time there was.
    pub(crate) fn is_silence(&self) -> bool {
        matches!(
            self,
            Failure::NoConnection(_) | Failure::NoAnswer(_) | Failure::Unfinished(_)
        )
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Failure::Refused => write!(f, "the connection is refused: nothing listens there"),
            Failure::NoSuchHost => write!(f, "there is no such host"),
            Failure::Unreachable(reason) => write!(f, "the host cannot be reached: {reason}"),
            Failure::NoConnection(after) => write!(
                f,
                "no connection within {after:.1?}: a firewall may drop the packets"
            ),
            Failure::NoAnswer(after) => write!(
                f,
                "it accepts the connection but does not answer within {after:.1?}"
            ),
            Failure::Unfinished(after) => {
                write!(f, "it starts to answer but does not end within {after:.1?}")
            }
            Failure::TooLarge => write!(f, "its answer is longer than {} MiB", SIZE_LIMIT >> 20),
            Failure::CutOff => write!(f, "it closes the connection before the answer is complete"),
            Failure::Tls(reason) => write!(f, "TLS fails: {reason}"),
            Failure::NotHttp(reason) => write!(f, "it does not speak HTTP: {reason}"),
            Failure::BadAddress(reason) => write!(f, "the address is wrong: {reason}"),
        }
    }
}

impl Client {
    /// A client that gives each request so much time; `authority` is a PEM certificate to trust instead of the public ones.
    pub(crate) fn new(timeout: Duration, authority: Option<&[u8]>) -> Result<Client, Failure> {
        let trust = Trust {
            authorities: authority.map(<[u8]>::to_vec),
            ..Trust::default()
        };
        Client::trusting(timeout, trust)
    }

    /// The same with another trust; what its files hold may not be a certificate or key.
    pub(crate) fn with(&self, trust: Trust) -> Result<Client, Failure> {
        Client::trusting(self.timeout, trust)
    }

    fn trusting(timeout: Duration, trust: Trust) -> Result<Client, Failure> {
        let mut tls = TlsConfig::builder().disable_verification(trust.anybody);
        if let Some(pem) = trust.authorities {
            tls = tls.root_certs(RootCerts::new_with_certs(&certificates(&pem)?));
        }
        if let Some((certificate, key)) = trust.own {
            let key = PrivateKey::from_pem(&key).map_err(not_pem)?;
            let own = ClientCert::new_with_certs(&certificates(&certificate)?, key);
            tls = tls.client_cert(Some(own));
        }
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .timeout_global(Some(timeout))
            .timeout_connect(Some(timeout.mul_f64(0.8)))
            // A pool is searched for each request: it costs more than it saves when every request goes elsewhere.
            .max_idle_connections(0)
            .input_buffer_size(16 << 10)
            // The first line and all headers must fit, a long token among them.
            .output_buffer_size(16 << 10)
            .user_agent(concat!("monstack/", env!("CARGO_PKG_VERSION")))
            .tls_config(tls.build())
            .build();
        let resolver = Renamed {
            instead: trust.instead,
            resolver: DefaultResolver::default(),
        };
        let agent = Agent::with_parts(config, DefaultConnector::default(), resolver);
        Ok(Client { agent, timeout })
    }

    /// How long it waits for an answer.
    pub(crate) fn waits(&self) -> Duration {
        self.timeout
    }

    /// GETs an address; redirects are answers, so that no header follows them anywhere.
    pub(crate) fn get(&self, url: &str, headers: &[(&str, &str)]) -> Result<Answer, Failure> {
        let start = Instant::now();
        let request = with_headers(self.agent.get(url), headers);
        let response = request.call().map_err(|error| self.failure(error, false))?;
        self.answer(response, start)
    }

    /// POSTs a text; what it is stands in a header.
    pub(crate) fn post(
        &self,
        url: &str,
        headers: &[(&str, &str)],
        text: &str,
    ) -> Result<Answer, Failure> {
        let start = Instant::now();
        let response = with_headers(self.agent.post(url), headers)
            .send(text)
            .map_err(|error| self.failure(error, false))?;
        self.answer(response, start)
    }

    fn answer(
        &self,
        mut response: ureq::http::Response<ureq::Body>,
        start: Instant,
    ) -> Result<Answer, Failure> {
        let header = |name: &str| {
            response
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default()
                .to_string()
        };
        // What a cache has kept says when it was made.
        let date = header("date");
        let ahead = (header("age").is_empty())
            .then(|| ahead(&date, start.elapsed()))
            .flatten();
        let (status, content_type, location) = (
            response.status().as_u16(),
            header("content-type"),
            header("location"),
        );
        let body = response
            .body_mut()
            .with_config()
            .limit(SIZE_LIMIT)
            .read_to_vec()
            .map_err(|error| self.failure(error, true))?;
        Ok(Answer {
            status,
            content_type,
            location,
            body,
            took: start.elapsed(),
            ahead,
        })
    }

    /// `answering`: the head of the answer was there already.
    fn failure(&self, error: Error, answering: bool) -> Failure {
        match error {
            Error::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve) => {
                Failure::NoConnection(self.timeout)
            }
            Error::Timeout(_) if answering => Failure::Unfinished(self.timeout),
            Error::Timeout(_) => Failure::NoAnswer(self.timeout),
            Error::HostNotFound => Failure::NoSuchHost,
            Error::BodyExceedsLimit(_) => Failure::TooLarge,
            Error::ConnectionFailed => Failure::Refused,
            Error::BadUri(reason) => Failure::BadAddress(reason),
            Error::Tls(reason) => Failure::Tls(reason.into()),
            Error::Rustls(error) => Failure::Tls(error.to_string()),
            Error::Io(error) => io_failure(&error, answering),
            // Its headers may hold anything; what it sent is not repeated at length.
            other => Failure::NotHttp(other.to_string().chars().take(120).collect()),
        }
    }
}

fn with_headers<B>(mut request: RequestBuilder<B>, headers: &[(&str, &str)]) -> RequestBuilder<B> {
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request
}

/// How far ahead a clock is that says a time in whole seconds, somewhere within the last `within`.
fn ahead(date: &str, within: Duration) -> Option<f64> {
    let said = DateTime::parse_from_rfc2822(date).ok()?.timestamp() as f64;
    Some(apart(said, said + 1.0, within))
}

/// How far ahead of this machine's clock a time is that lies between two, and was said within the last `within`, in seconds;
/// 0: it need not be.
pub(crate) fn apart(earliest: f64, latest: f64, within: Duration) -> f64 {
    let now = Utc::now().timestamp_millis() as f64 / 1000.0;
    let (least, most) = (earliest - now, latest - now + within.as_secs_f64());
    if least > 0.0 { least } else { most.min(0.0) }
}

/// Resolves a name that stands in a certificate to where the server is.
#[derive(Debug)]
struct Renamed {
    instead: Option<(String, String)>,
    resolver: DefaultResolver,
}

impl Resolver for Renamed {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let truly = self.instead.as_ref().and_then(|(name, host)| {
            let port = uri
                .port_u16()
                .map_or(String::new(), |port| format!(":{port}"));
            let scheme = uri.scheme_str()?;
            (uri.host()? == name).then(|| format!("{scheme}://{host}{port}/").parse::<Uri>())
        });
        match truly {
            Some(Ok(uri)) => self.resolver.resolve(&uri, config, timeout),
            Some(Err(error)) => Err(Error::BadUri(error.to_string())),
            None => self.resolver.resolve(uri, config, timeout),
        }
    }
}

/// All certificates of a PEM file.
fn certificates(pem: &[u8]) -> Result<Vec<Certificate<'static>>, Failure> {
    let items: Vec<PemItem> = parse_pem(pem).collect::<Result<_, _>>().map_err(not_pem)?;
    let certificates: Vec<_> = items
        .into_iter()
        .filter_map(|item| match item {
            PemItem::Certificate(certificate) => Some(certificate),
            _ => None,
        })
        .collect();
    if certificates.is_empty() {
        return Err(Failure::Tls("there is no certificate in it".into()));
    }
    Ok(certificates)
}

fn not_pem(error: Error) -> Failure {
    Failure::Tls(error.to_string())
}

fn io_failure(error: &std::io::Error, answering: bool) -> Failure {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::ConnectionRefused => Failure::Refused,
        ErrorKind::InvalidData => Failure::Tls(error.to_string()),
        ErrorKind::UnexpectedEof
        | ErrorKind::ConnectionReset
        | ErrorKind::BrokenPipe
        | ErrorKind::ConnectionAborted => Failure::CutOff,
        _ if answering => Failure::CutOff,
        _ if error.to_string().contains("lookup address") => Failure::NoSuchHost,
        _ => Failure::Unreachable(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_believed_has_a_cause() {
        let cause = |reason: &str| Untrusted::of(reason);
        for (reason, wanted) in [
            ("invalid peer certificate: UnknownIssuer", "Stranger"),
            (
                "invalid peer certificate: Other(OtherError(CaUsedAsEndEntity))",
                "Authority",
            ),
            ("certificate not valid for name \"a\"", "Name"),
            ("invalid peer certificate: Expired", "Expired"),
            ("received fatal alert: CertificateRequired", "Anonymous"),
        ] {
            let found = cause(reason).map(|cause| format!("{cause:?}"));
            assert_eq!(found.as_deref(), Some(wanted));
        }
        assert!(cause("received corrupt message of type InvalidContentType").is_none());
    }

    #[test]
    fn a_clock_is_apart_only_when_it_must_be() {
        let now = Utc::now().timestamp_millis() as f64 / 1000.0;
        let second = Duration::from_secs(1);
        assert_eq!(apart(now - 0.9, now + 0.1, second), 0.0);
        assert!((apart(now + 60.0, now + 61.0, second) - 60.0).abs() < 0.5);
        assert!((apart(now - 61.0, now - 60.0, second) + 59.0).abs() < 0.5);
        let date = DateTime::from_timestamp(now as i64 - 600, 0).unwrap();
        let said = date.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let found = ahead(&said, second).unwrap();
        assert!((-600.0..-597.0).contains(&found), "{found}");
        assert_eq!(ahead("yesterday", second), None);
    }
}
