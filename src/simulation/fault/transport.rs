//! The faults on the way to a service, by their names on the command line.

/// What goes wrong between a service and whoever asks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Down,
    HealthFails,
    Slow,
    MetricMissing,
    Reset,
    WrongContentType,
    WebPage,
    NotANumber,
    CutHistogram,
    Hanging,
    Garbage,
    Endless,
    Redirect,
    Unauthorized,
}

/// Each with its name on the command line, and what the service then does.
pub(crate) const TRANSPORT: [(Transport, &str, &str); 14] = [
    (Transport::Down, "down", "refuses connections"),
    (
        Transport::HealthFails,
        "health-fails",
        "answers its health path with 503; its metrics stay healthy",
    ),
    (
        Transport::Slow,
        "slow",
        "answers only after the scrape timeout",
    ),
    (
        Transport::MetricMissing,
        "metric-missing",
        "leaves out a declared metric; `metric-missing:NAME` chooses it",
    ),
    (
        Transport::Reset,
        "reset",
        "lets counters go backwards, as several workers do that share a port",
    ),
    (
        Transport::WrongContentType,
        "wrong-content-type",
        "sends its metrics as JSON text",
    ),
    (
        Transport::WebPage,
        "web-page",
        "sends a login page where its metrics are",
    ),
    (
        Transport::NotANumber,
        "not-a-number",
        "sends NaN for every value",
    ),
    (
        Transport::CutHistogram,
        "cut-histogram",
        "leaves out the last bucket of its histograms",
    ),
    (
        Transport::Hanging,
        "hanging",
        "accepts connections and never answers",
    ),
    (
        Transport::Garbage,
        "garbage",
        "sends bytes that are not metrics",
    ),
    (Transport::Endless, "endless", "never ends its answer"),
    (
        Transport::Redirect,
        "redirect",
        "redirects its metrics to another path",
    ),
    (Transport::Unauthorized, "unauthorized", "answers 401"),
];

/// Those that fail every scrape.
pub(crate) const UNREACHABLE: [Transport; 8] = [
    Transport::Down,
    Transport::Slow,
    Transport::Hanging,
    Transport::Garbage,
    Transport::Endless,
    Transport::Unauthorized,
    Transport::WrongContentType,
    Transport::WebPage,
];
