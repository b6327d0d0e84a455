//! What the runbook says is so: it has a section for every alert, its queries can be asked, and its thresholds are those of the rules.

use super::{Check, Example, Proof, place};
use super::{dead_link, false_text};
use crate::artifacts::Role;
use crate::catalog::{Alert, Branch, with_unit};
use crate::diagnostic::{Diagnostic, suggestion};
use crate::kinds::Side;
use crate::promql::Expr;
use crate::promql::canonical::print;
use crate::promql::walk::{children_mut, selectors};
use crate::render::File;
use crate::stack::Stack;
use crate::stack::markdown::{Section, bare, sections};
use regex_automata::meta::Regex;
use std::collections::{BTreeSet, HashSet};
use std::sync::LazyLock;

pub(crate) const PROOF: Proof = Proof {
    code: "runbook",
    doc: "Whoever is woken believes the runbook: a query that finds nothing reads as \"all is well\", another threshold as a false alarm, a section that is not there as an alert that nobody needs to know.",
    example: Example::Text {
        role: Role::Markdown,
        good: "| `critical` | `5m` |",
        bad: "| `critical` | `10m` |",
    },
    check: Check::Stack(|stack| {
        let documents = stack.files.documents();
        documents
            .flat_map(|file| Runbook::of(stack, file).check())
            .collect()
    }),
};

/// An address in a text.
static ADDRESS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"https?://([A-Za-z0-9._-]+):([0-9]{2,5})\b").expect("it is a pattern")
});

/// What may be a metric.
static WORD: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"[A-Za-z_:][A-Za-z0-9_:]*").expect("it is a pattern"));

/// A port behind a host, or by itself.
static PORT: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\b[0-9]{2,5}\b").expect("it is a pattern"));

struct Runbook<'a, 's> {
    stack: &'a Stack<'s>,
    file: &'a File,
    sections: Vec<Section<'a>>,
    found: Vec<Diagnostic>,
}

impl<'a, 's> Runbook<'a, 's> {
    fn of(stack: &'a Stack<'s>, file: &'a File) -> Runbook<'a, 's> {
        Runbook {
            stack,
            file,
            sections: sections(&file.text),
            found: Vec::new(),
        }
    }

    fn wrong(&mut self, line: usize, message: String, help: &str) {
        self.found
            .push(place::line(&self.file.path, line, message, help));
    }

    fn check(mut self) -> Vec<Diagnostic> {
        let sections = std::mem::take(&mut self.sections);
        self.alerts(&sections);
        self.links(&sections);
        for section in &sections {
            self.queries(section);
            self.services(section);
            self.answers(section);
            if let Some(alert) = self.stack.catalog.alert(&section.title) {
                self.settings(alert, section);
            }
        }
        self.words();
        self.addresses();
        self.found
    }

    /// One of the alerts has a section: then all have.
    fn alerts(&mut self, sections: &[Section]) {
        let titles: HashSet<&str> = sections.iter().map(|section| &*section.title).collect();
        let rules: Vec<&str> = self
            .stack
            .files
            .alerts()
            .filter_map(|(_, _, rule)| rule["alert"].as_str())
            .collect();
        let any = rules.iter().any(|name| titles.contains(name));
        let mut lost: Vec<&str> = rules
            .into_iter()
            .filter(|name| any && !titles.contains(name))
            .collect();
        lost.dedup();
        for name in lost {
            self.wrong(
                1,
                format!("the runbook has no section of the alert {name}"),
                "write `## ` and its name, and below it what to do",
            );
        }
    }

    fn links(&mut self, sections: &[Section]) {
        let anchors: HashSet<String> = self
            .file
            .text
            .lines()
            .filter_map(dead_link::anchor)
            .collect();
        let dashboards = dead_link::dashboards(self.stack);
        let mut seen = HashSet::new();
        for link in sections.iter().flat_map(Section::links) {
            let section = link
                .text
                .strip_prefix('#')
                .filter(|section| !anchors.contains(*section));
            let wrong = match section {
                Some(section) => Some(format!("the runbook has no section `#{section}`")),
                None => dead_link::dashboard(
                    link.text,
                    &dashboards,
                    &self.stack.catalog.grafana.external_url,
                ),
            };
            if let Some(wrong) = wrong.filter(|wrong| seen.insert(wrong.clone())) {
                self.wrong(link.line, wrong, "link to what is rendered");
            }
        }
    }

    /// Blocks of PromQL; what they ask for is looked at as in every expression.
    fn queries(&mut self, section: &Section) {
        let rule = self.stack.written_alert(&section.title);
        let rule = rule.map(|rule| rule["expr"].as_str().unwrap_or_default());
        let parsed = rule.and_then(|rule| self.stack.contract.parse(rule).ok());
        // The query before, and the line below its block.
        let mut before: Option<(String, usize)> = None;
        let blocks = section.blocks();
        for block in blocks.iter().filter(|block| block.language == "promql") {
            let expr = match self.stack.contract.parse(block.text.trim()) {
                Ok(expr) => expr,
                // What is no PromQL in the rule is found there.
                Err(_) if rule.is_some() && parsed.is_none() => continue,
                Err(reason) => {
                    let reason = reason.lines().next().unwrap_or_default();
                    self.wrong(
                        block.line,
                        format!("the runbook's query is no PromQL: {reason}"),
                        "write what can be pasted into Prometheus",
                    );
                    continue;
                }
            };
            let asked = print(&expr);
            let below = block.line + block.text.lines().count() + 1;
            // Only an empty line is between them: they are meant to be held against each other.
            if before.is_some_and(|(other, line)| other == asked && line + 2 >= block.line) {
                self.wrong(
                    block.line,
                    format!("the runbook asks for `{asked}` twice in a row"),
                    "ask for what it is to be compared with",
                );
            }
            before = Some((asked, below));
            if let Some(alert) = self.stack.catalog.alert(&section.title)
                && self.best_first(alert, &expr)
            {
                self.wrong(
                    block.line,
                    format!("the runbook's query shows first what is least of {}'s matter", alert.name),
                    "put the worst first: `topk` or `sort_desc` of what is too high, `bottomk` or `sort` of what is too low",
                );
            }
            if let Some(rule) = &parsed
                && print(rule) != print(&expr)
                && shape(rule) == shape(&expr)
            {
                let message = format!(
                    "the query of {} compares with another number than its rule",
                    section.title
                );
                self.wrong(block.line, message, "render the expression of the rule");
            }
        }
    }

    /// Whether a query puts in order what its alert compares, and begins at the wrong end.
    fn best_first(&self, alert: &Alert, expr: &Expr) -> bool {
        if alert.threshold.is_none() {
            return false;
        }
        let (rising, inside) = match expr {
            Expr::Aggregate(ranked) => match ranked.op.to_string().as_str() {
                "topk" => (false, &*ranked.expr),
                "bottomk" => (true, &*ranked.expr),
                _ => return false,
            },
            Expr::Call(call) => match (call.func.name, call.args.args.first()) {
                ("sort", Some(inside)) => (true, &**inside),
                ("sort_desc", Some(inside)) => (false, &**inside),
                _ => return false,
            },
            _ => return false,
        };
        let signals = alert.signals.iter();
        let recorded = signals.flat_map(|signal| self.stack.recording(&signal.name));
        let recorded: Vec<&Expr> = recorded.map(|loaded| &*loaded.rule.expr).collect();
        let names = |expr: &Expr| -> HashSet<String> {
            let read = selectors(expr).into_iter();
            read.filter_map(|read| read.name.clone()).collect()
        };
        let read: HashSet<String> = recorded.iter().flat_map(|expr| names(expr)).collect();
        // How fast something changes says nothing of which way is the worse one.
        if print(inside).contains("deriv(") {
            return false;
        }
        // What is turned round is in the other order.
        let turned = |expr: &Expr| {
            let text = print(expr);
            ["time() -", "- time()"].map(|part| text.contains(part))
        };
        let alike = recorded.iter().all(|expr| turned(expr) == turned(inside));
        let same = names(inside).iter().any(|name| read.contains(name));
        !recorded.is_empty() && alike && same && rising != (alert.side == Side::Below)
    }

    /// Classes of answers that the section of an alert speaks of: one of them is what it counts.
    fn answers(&mut self, section: &Section) {
        let Some(rule) = self.stack.written_alert(&section.title) else {
            return;
        };
        let of_line = |text: &str| -> Vec<char> {
            let found = false_text::CLASS.find_iter(text.as_bytes());
            found
                .filter_map(|class| text[class.range()].chars().next())
                .collect()
        };
        let mut said = section
            .lines
            .iter()
            .map(|spot| (spot.line, of_line(spot.text)));
        let Some((line, _)) = said.clone().find(|(_, classes)| !classes.is_empty()) else {
            return;
        };
        let Some(read) = false_text::classes(self.stack, rule) else {
            return;
        };
        if !said.any(|(_, classes)| classes.iter().any(|class| read.contains(class))) {
            let message = format!(
                "the section of {} speaks of answers that it does not count",
                section.title
            );
            self.wrong(line, message, "write of the answers that the rule counts");
        }
    }

    /// A table of services has all of them.
    fn services(&mut self, section: &Section) {
        let catalog = self.stack.catalog;
        let all = catalog.services.len();
        for table in section.tables() {
            let rows = &table[1.min(table.len())..];
            let first: HashSet<&str> = rows
                .iter()
                .filter_map(|(_, cells)| cells.first())
                .map(|cell| bare(cell))
                .collect();
            self.cells(table.as_slice());
            let known = |cell: &&&str| catalog.service(cell).is_some();
            let listed = first.iter().filter(known).count();
            if listed * 2 <= all || listed * 2 <= rows.len() || listed == all {
                continue;
            }
            let mut services = catalog.services.iter();
            let lost = services.find(|service| !first.contains(service.name.as_str()));
            if let (Some(lost), Some((line, _))) = (lost, table.first()) {
                let message = format!(
                    "the runbook's table of services has no row of {}",
                    lost.name
                );
                self.wrong(*line, message, "list every service of the catalog");
            }
        }
    }

    /// What the table of services says of each, in the columns whose names say what that is.
    fn cells(&mut self, table: &[(usize, Vec<&str>)]) {
        let Some(((_, head), rows)) = table.split_first() else {
            return;
        };
        let catalog = self.stack.catalog;
        for (line, cells) in rows {
            let Some(service) = cells.first().and_then(|name| catalog.service(bare(name))) else {
                continue;
            };
            let owner = service.owner.as_deref();
            let platform = catalog.platform.owner.as_deref();
            let number = |cell: &str| cell.parse::<f64>().ok();
            let sized = |cell: &str| {
                cell.starts_with(|c: char| c.is_ascii_digit())
                    && cell.ends_with(|c: char| c.is_ascii_alphabetic())
            };
            let cores = service.cpu_limit;
            for (column, says) in [
                ("Memory", format!("{}", service.memory_limit)),
                ("CPU", format!("{cores}")),
                ("Owner", owner.unwrap_or_default().to_string()),
            ] {
                let at = head.iter().position(|cell| *cell == column);
                let Some(cell) = at.and_then(|at| cells.get(at)).map(|cell| bare(cell)) else {
                    continue;
                };
                // In other words, or not at all, it may be right.
                let wrong = match column {
                    "Memory" => number(cell) == Some(cores),
                    "CPU" => sized(cell) || number(cell).is_some_and(|cell| cell != cores),
                    _ => owner.is_some_and(|owner| owner != cell) && platform == Some(cell),
                };
                if wrong {
                    let message = format!(
                        "the runbook says `{cell}` of {} below {column}, and the catalog {says}",
                        service.name
                    );
                    self.wrong(*line, message, "write what the catalog says of the service");
                }
            }
        }
    }

    /// The table of an alert's settings, by the names of its columns.
    fn settings(&mut self, alert: &Alert, section: &Section) {
        for spot in &section.lines {
            if let Some(said) = false_text::other_share(alert, &false_text::FIRES_BEYOND, spot.text)
            {
                self.wrong(
                    spot.line,
                    format!("the runbook says that {} fires at {said} %", alert.name),
                    "write the threshold of the alert",
                );
            }
        }
        for table in section.tables() {
            let Some(((_, head), rows)) = table.split_first() else {
                continue;
            };
            let column = |name: &str| head.iter().position(|cell| *cell == name);
            let columns = [
                column("Severity"),
                column("Fires after"),
                column("Threshold"),
                column("Looks back"),
            ];
            if columns.iter().flatten().count() < 2 {
                continue;
            }
            // Nothing is written where there is nothing.
            let says = |branch: &Branch| {
                let window = branch.window.map(|window| window.to_string());
                let limit = branch
                    .limit()
                    .map(|(_, limit)| with_unit(limit, alert.unit.as_deref()));
                [
                    Some(branch.severity.clone()),
                    Some(branch.r#for.to_string()),
                    limit,
                    window,
                ]
            };
            for (line, cells) in rows {
                let cell = |index: usize| {
                    columns[index]
                        .and_then(|column| cells.get(column))
                        .map(|cell| bare(cell))
                };
                let differs = |branch: &Branch| {
                    let wanted = says(branch);
                    let differs = |index: &usize| {
                        let (Some(cell), wanted) = (cell(*index), &wanted[*index]) else {
                            return false;
                        };
                        match wanted {
                            // With its unit in words it is the rest of the cell.
                            Some(wanted) if wanted.contains(' ') => {
                                !format!(" {cell}").ends_with(&format!(" {wanted}"))
                            }
                            Some(wanted) => {
                                !cell.split_whitespace().any(|word| bare(word) == wanted)
                            }
                            None => cell.chars().any(|c| c.is_ascii_digit()),
                        }
                    };
                    (0..columns.len())
                        .find(differs)
                        .map(|index| (index, wanted[index].clone()))
                };
                let wrong: Vec<_> = alert.branches.iter().filter_map(differs).collect();
                // A row is right when it is that of one branch.
                if let Some((index, wanted)) = wrong
                    .first()
                    .filter(|_| wrong.len() == alert.branches.len())
                {
                    let written = cell(*index).unwrap_or_default();
                    let wanted = wanted.clone().unwrap_or_else(|| "nothing".to_string());
                    let message = format!(
                        "the runbook says `{written}` of {}, and the catalog {wanted}",
                        alert.name
                    );
                    self.wrong(*line, message, "write what the rule does");
                }
            }
        }
    }

    /// Names that begin as those of the platform's metrics do.
    fn words(&mut self) {
        let prefix = format!("{}_", self.stack.catalog.platform.metric_prefix);
        let recorded = format!(":{prefix}");
        let contract = &self.stack.contract;
        let mut wrong = Vec::new();
        // What is wrong in a rule is found there.
        let mut seen: HashSet<String> = HashSet::new();
        for (_, _, rule) in self.stack.files.rules() {
            let text = rule["expr"].as_str().unwrap_or_default();
            seen.extend(
                WORD.find_iter(text.as_bytes())
                    .map(|word| text[word.range()].to_string()),
            );
        }
        for (index, line) in self.file.text.lines().enumerate() {
            for word in WORD.find_iter(line.as_bytes()) {
                let (name, after) = (&line[word.range()], &line[word.end()..]);
                let of_platform = name.starts_with(&prefix) || name.contains(&recorded);
                if !of_platform {
                    continue;
                }
                // A part of a pattern, of a file's name or of an address is no metric.
                let part =
                    after.starts_with(['.', '*', '[', '-', '/', '$', '<']) || name.ends_with('_');
                let known = contract.knows(name)
                    || ["_bucket", "_total"]
                        .iter()
                        .any(|end| contract.knows(&format!("{name}{end}")));
                if !part && !known && seen.insert(name.to_string()) {
                    let names = contract
                        .names()
                        .filter(|name| name.contains(&prefix))
                        .collect::<BTreeSet<_>>();
                    wrong.push((
                        index + 1,
                        format!("the runbook names {name}, which nobody emits"),
                        suggestion(name, names),
                    ));
                }
            }
        }
        for (line, message, help) in wrong {
            self.wrong(line, message, &help);
        }
    }

    /// Addresses of services and servers at ports where nobody listens.
    fn addresses(&mut self) {
        let catalog = self.stack.catalog;
        let mut hosts: HashSet<&str> =
            HashSet::from(["localhost", "127.0.0.1", "host.docker.internal"]);
        hosts.extend(catalog.services.iter().map(|service| service.host.as_str()));
        // A port is one when a configuration or the catalog names it.
        let mut ports: HashSet<String> = catalog
            .services
            .iter()
            .map(|service| service.port.to_string())
            .collect();
        let urls = [
            &catalog.prometheus.external_url,
            &catalog.alertmanager.external_url,
            &catalog.grafana.external_url,
        ];
        let files = self
            .stack
            .files
            .configurations()
            .chain(self.stack.files.compose())
            .chain(self.stack.files.datasource_files());
        let texts = files.map(|file| &file.text).chain(urls);
        for text in texts.chain([&catalog.blackbox.address]) {
            ports.extend(
                PORT.find_iter(text.as_bytes())
                    .map(|port| text[port.range()].to_string()),
            );
        }
        // What the images listen at by themselves.
        ports.extend(["9090", "9093", "3000", "9115"].map(str::to_string));
        let mut wrong = Vec::new();
        for (index, line) in self.file.text.lines().enumerate() {
            for captures in ADDRESS.captures_iter(line.as_bytes()) {
                let part = |group: usize| {
                    captures
                        .get_group(group)
                        .map_or("", |span| &line[span.range()])
                };
                let (host, port) = (part(1), part(2));
                if hosts.contains(host) && !ports.contains(port) {
                    wrong.push((
                        index + 1,
                        format!("the runbook asks {host} at port {port}, where nobody listens"),
                    ));
                }
            }
        }
        wrong.dedup_by(|one, other| one.1 == other.1);
        for (line, message) in wrong {
            self.wrong(line, message, "write the port of the service");
        }
    }
}

/// An expression without its numbers.
fn shape(expr: &Expr) -> String {
    fn without(expr: &mut Expr) {
        if let Expr::NumberLiteral(number) = expr {
            number.val = 0.0;
        }
        children_mut(expr).into_iter().for_each(without);
    }
    let mut expr = expr.clone();
    without(&mut expr);
    print(&expr)
}
