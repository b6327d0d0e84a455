//! The colours that the page has, by name.

/// The names that the page has colours for.
pub(crate) const COLOURS: [&str; 7] =
    ["text", "green", "red", "orange", "yellow", "blue", "purple"];

/// One of them for any colour that Grafana knows; one that nobody knows is drawn as text.
pub(crate) fn colour(written: &str) -> &'static str {
    let plain = written.rsplit('-').next().unwrap_or(written);
    if let Some(known) = COLOURS.iter().find(|known| **known == plain) {
        return known;
    }
    let part = |at: usize| {
        written
            .strip_prefix('#')
            .and_then(|hex| hex.get(at..at + 2))
            .and_then(|pair| i32::from_str_radix(pair, 16).ok())
    };
    let (Some(red), Some(green), Some(blue)) = (part(0), part(2), part(4)) else {
        return "text";
    };
    let nearest = [
        ("green", 90, 175, 80),
        ("red", 225, 60, 70),
        ("orange", 250, 130, 20),
        ("yellow", 240, 200, 20),
        ("blue", 60, 130, 220),
        ("purple", 160, 90, 200),
    ];
    nearest
        .iter()
        .min_by_key(|(_, r, g, b)| (r - red).pow(2) + (g - green).pow(2) + (b - blue).pow(2))
        .map_or("text", |(name, ..)| name)
}
