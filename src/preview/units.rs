//! Numbers as Grafana writes them.

/// A value with its unit; `now` (Unix seconds) is what "ago" counts from.
pub(crate) fn formatted(value: f64, unit: &str, decimals: Option<usize>, now: i64) -> String {
    if !value.is_finite() {
        return if value.is_nan() {
            "no value"
        } else if value > 0.0 {
            "infinite"
        } else {
            "minus infinite"
        }
        .to_string();
    }
    match unit {
        "percentunit" => format!("{}%", plain(value * 100.0, decimals)),
        "percent" => format!("{}%", plain(value, decimals)),
        "s" => duration(value, decimals),
        "ms" => duration(value / 1000.0, decimals),
        "dtdurations" => duration(value, decimals),
        "bytes" => scaled(value, 1024.0, &["B", "KiB", "MiB", "GiB", "TiB"], decimals),
        "decbytes" => scaled(value, 1000.0, &["B", "kB", "MB", "GB", "TB"], decimals),
        "binBps" => scaled(value, 1024.0, &["B/s", "KiB/s", "MiB/s", "GiB/s"], decimals),
        "Bps" => scaled(value, 1000.0, &["B/s", "kB/s", "MB/s", "GB/s"], decimals),
        "reqps" => format!("{} req/s", short(value, decimals)),
        "ops" => format!("{} ops/s", short(value, decimals)),
        "cps" => format!("{} c/s", short(value, decimals)),
        "dateTimeFromNow" => ago(now.saturating_sub((value / 1000.0) as i64)),
        "dateTimeAsIso" | "dateTimeAsIsoNoDateIfToday" => clock((value / 1000.0) as i64),
        "short" => short(value, decimals),
        _ => plain(value, decimals),
    }
}

/// Hours and minutes, UTC.
pub(crate) fn clock(seconds: i64) -> String {
    let minutes = seconds.rem_euclid(86_400) / 60;
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

/// Three digits that matter, no zeros behind them.
fn plain(value: f64, decimals: Option<usize>) -> String {
    // As JavaScript, and so Grafana: nobody counts 300 digits.
    if value.abs() >= 1e21 {
        return format!("{value:.2e}");
    }
    let digits = decimals.unwrap_or(match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        _ => 3,
    });
    let text = format!("{value:.digits$}");
    let text = if decimals.is_none() && text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        &text
    };
    if text == "-0" {
        "0".to_string()
    } else {
        text.to_string()
    }
}

fn short(value: f64, decimals: Option<usize>) -> String {
    match value.abs() {
        size if size >= 1e9 => format!("{} Bil", plain(value / 1e9, decimals)),
        size if size >= 1e6 => format!("{} Mil", plain(value / 1e6, decimals)),
        size if size >= 1e3 => format!("{} K", plain(value / 1e3, decimals)),
        _ => plain(value, decimals),
    }
}

fn scaled(value: f64, base: f64, units: &[&str], decimals: Option<usize>) -> String {
    let mut value = value;
    let mut unit = 0;
    while value.abs() >= base && unit + 1 < units.len() {
        value /= base;
        unit += 1;
    }
    format!("{} {}", plain(value, decimals), units[unit])
}

fn duration(seconds: f64, decimals: Option<usize>) -> String {
    let steps = [
        (86_400.0, "d"),
        (3600.0, "h"),
        (60.0, "min"),
        (1.0, "s"),
        (1e-3, "ms"),
        (1e-6, "µs"),
    ];
    if seconds == 0.0 {
        return "0 s".to_string();
    }
    let (size, unit) = steps
        .iter()
        .find(|(size, _)| seconds.abs() >= *size)
        .unwrap_or(&steps[5]);
    format!("{} {unit}", plain(seconds / size, decimals))
}

fn ago(seconds: i64) -> String {
    let (count, unit) = match seconds.saturating_abs() {
        size if size < 60 => (size, "second"),
        size if size < 3600 => (size / 60, "minute"),
        size if size < 86_400 => (size / 3600, "hour"),
        size => (size / 86_400, "day"),
    };
    let plural = if count == 1 { "" } else { "s" };
    if seconds < 0 {
        format!("in {count} {unit}{plural}")
    } else {
        format!("{count} {unit}{plural} ago")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_in_grafana() {
        for (value, unit, text) in [
            (0.1234, "percentunit", "12.3%"),
            (0.0, "percentunit", "0%"),
            (12.0, "none", "12"),
            (0.25, "s", "250 ms"),
            (5400.0, "s", "1.5 h"),
            (536_870_912.0, "bytes", "512 MiB"),
            (81_234.0, "short", "81.2 K"),
            (3.456, "reqps", "3.46 req/s"),
            (
                1_767_614_400_000.0 - 840_000.0,
                "dateTimeFromNow",
                "14 minutes ago",
            ),
            (f64::NAN, "s", "no value"),
            (1e308, "none", "1.00e308"),
            (-1e308, "bytes", "-9.09e295 TiB"),
            (5e-324, "s", "0 µs"),
            (f64::MAX, "dateTimeFromNow", "in 106751991146842 days"),
        ] {
            assert_eq!(
                formatted(value, unit, None, 1_767_614_400),
                text,
                "{value} {unit}"
            );
        }
    }
}
