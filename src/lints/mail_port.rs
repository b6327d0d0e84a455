//! Mail goes to a port at which mail is taken.

use super::Lint;
use crate::diagnostic::{Diagnostic, Place};
use crate::source::step;

pub(crate) const LINT: Lint = Lint {
    code: "mail-port",
    doc: "A mail server takes mail at 25, 465, 587 or a port of its own. At the port of a web page, of mailboxes or of a database somebody else answers, if anybody, and each notification fails when it is needed.",
    bad: "[receivers.on-call]\nemail = { to = \"ops@example.org\", from = \"mon@example.org\", smarthost = \"mail.example.org:443\" }\n\n[alertmanager.routes]\ncritical = \"on-call\"\n",
    good: "[receivers.on-call]\nemail = { to = \"ops@example.org\", from = \"mon@example.org\", smarthost = \"mail.example.org:587\" }\n\n[alertmanager.routes]\ncritical = \"on-call\"\n",
    check: |catalog, _| {
        let receivers = catalog.receivers.iter();
        let wrong = receivers.filter_map(|(receiver, integrations)| {
            let written = integrations["email"]["smarthost"].as_str()?;
            let (_, port) = written.rsplit_once(':')?;
            let (_, of) = OTHERS.iter().find(|(known, _)| *known == port)?;
            let message = format!("at port {port} answers {of}, and no mail server");
            Some(
                Diagnostic::error(
                    "mail-port",
                    Place::Value(format!("/receivers/{}/email/smarthost", step(receiver))),
                    message,
                )
                .help("write 587, or 25 or 465: what the mail server listens at"),
            )
        });
        wrong.collect()
    },
};

/// Ports that are known for something else (https://www.iana.org/assignments/service-names-port-numbers).
const OTHERS: [(&str, &str); 15] = [
    ("22", "SSH"),
    ("53", "DNS"),
    ("80", "HTTP"),
    ("110", "POP3, which gives mail out"),
    ("143", "IMAP, which gives mail out"),
    ("443", "HTTPS"),
    ("993", "IMAP, which gives mail out"),
    ("995", "POP3, which gives mail out"),
    ("3000", "Grafana"),
    ("5432", "PostgreSQL"),
    ("6379", "Redis"),
    ("8080", "HTTP"),
    ("8443", "HTTPS"),
    ("9090", "Prometheus"),
    ("9093", "the Alertmanager"),
];
