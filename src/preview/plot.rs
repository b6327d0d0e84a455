//! Lines and areas as SVG geometry without text, stretched to whatever room the page gives it; colours are marks that
//! the style sheet turns into those of the theme.

use plotters::prelude::*;

/// The plane that geometry is drawn on; the page stretches it, strokes keep their width.
const SIZE: (u32, u32) = (2000, 1000);

/// The colours of lines without one of their own, and the patterns that tell them apart without colour.
pub const PALETTE: usize = 8;

/// How a line is marked: plotters writes it as a colour, the style sheet reads it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mark {
    /// 1: a line. 2: a threshold. 3: an annotation.
    pub sort: u8,
    /// Which pattern of dashes.
    pub dash: u8,
    /// Which colour: the palette's, or from 64 on a named one.
    pub colour: u8,
}

impl Mark {
    /// The n-th line: the palette first, then again with another pattern.
    pub fn line(index: usize) -> Mark {
        Mark {
            sort: 1,
            dash: (index / PALETTE % 4) as u8,
            colour: (index % PALETTE) as u8,
        }
    }

    /// A colour with a name.
    pub fn named(sort: u8, name: &str, dash: usize) -> Mark {
        let place = super::colour::COLOURS
            .iter()
            .position(|known| *known == name)
            .unwrap_or(0);
        Mark {
            sort,
            dash: (dash % 4) as u8,
            colour: 64 + place as u8,
        }
    }

    /// `#RRGGBB`, as plotters writes it.
    pub fn written(self) -> String {
        format!("#{:02X}{:02X}{:02X}", self.sort, self.dash, self.colour)
    }

    fn style(self) -> RGBColor {
        RGBColor(self.sort, self.dash, self.colour)
    }
}

/// One line.
pub struct Line {
    /// How it looks.
    pub mark: Mark,
    /// The upper edge at each instant; NaN leaves a gap.
    pub values: Vec<f64>,
    /// The lower edge of its area.
    pub base: Vec<f64>,
    /// How dense its area is, 0 to 1.
    pub fill: f64,
}

/// What lies under lines and over them.
pub struct Ground<'a> {
    /// Values with a line of the grid.
    pub ticks: &'a [f64],
    /// Values with a line of their own.
    pub thresholds: &'a [(f64, Mark)],
    /// First and last instant of what is marked from top to bottom.
    pub annotations: &'a [(usize, usize)],
}

/// Lines on their ground, between two values.
pub fn drawn(lines: &[Line], ground: &Ground, (low, high): (f64, f64)) -> Result<String, String> {
    let count = lines
        .iter()
        .map(|line| line.values.len())
        .max()
        .unwrap_or(2)
        .max(2);
    let mut svg = String::new();
    paint(&mut svg, count, lines, ground, (low, high)).map_err(|error| error.to_string())?;
    // The element around it is the page's own.
    let inner = svg.split_once('>').map_or("", |(_, rest)| rest);
    let inner = inner
        .rsplit_once("</svg>")
        .map_or(inner, |(inner, _)| inner);
    Ok(inner
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join("\n"))
}

fn paint(
    svg: &mut String,
    count: usize,
    lines: &[Line],
    ground: &Ground,
    (low, high): (f64, f64),
) -> Result<(), Box<dyn std::error::Error>> {
    let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    let last = (count - 1) as f64;
    let mut chart = ChartBuilder::on(&root).build_cartesian_2d(0.0..last, low..high)?;
    for tick in ground.ticks {
        chart.draw_series([PathElement::new(
            vec![(0.0, *tick), (last, *tick)],
            RGBColor(0, 0, 255),
        )])?;
    }
    let marked = Mark::named(3, "red", 0).style();
    for (first, until) in ground
        .annotations
        .iter()
        .map(|(first, until)| (*first as f64, *until as f64))
    {
        chart.draw_series([Rectangle::new(
            [(first, low), (until, high)],
            marked.mix(0.06).filled(),
        )])?;
        chart.draw_series([PathElement::new(vec![(first, low), (first, high)], marked)])?;
    }
    for line in lines {
        for (first, upper) in runs(&line.values) {
            let points: Vec<(f64, f64)> = upper
                .iter()
                .enumerate()
                .map(|(index, value)| ((first + index) as f64, value.clamp(low, high)))
                .collect();
            if line.fill > 0.0 {
                let lower = (first..first + upper.len())
                    .rev()
                    .map(|index| (index as f64, line.base[index].clamp(low, high)));
                let outline: Vec<(f64, f64)> = points.iter().copied().chain(lower).collect();
                chart.draw_series([Polygon::new(outline, line.mark.style().mix(line.fill))])?;
            }
            // A single sample would have no length.
            let points = if points.len() == 1 {
                vec![
                    (points[0].0 - 0.2, points[0].1),
                    (points[0].0 + 0.2, points[0].1),
                ]
            } else {
                points
            };
            chart.draw_series(LineSeries::new(points, line.mark.style()))?;
        }
    }
    for (value, mark) in ground
        .thresholds
        .iter()
        .filter(|(value, _)| (low..=high).contains(value))
    {
        chart.draw_series([PathElement::new(
            vec![(0.0, *value), (last, *value)],
            mark.style(),
        )])?;
    }
    root.present()?;
    Ok(())
}

/// Stretches without a gap: where each begins, and its values.
pub fn runs(values: &[f64]) -> Vec<(usize, &[f64])> {
    let mut runs = Vec::new();
    let mut begin = None;
    for index in 0..=values.len() {
        let there = values.get(index).is_some_and(|value| !value.is_nan());
        match (there, begin) {
            (true, None) => begin = Some(index),
            (false, Some(first)) => {
                runs.push((first, &values[first..index]));
                begin = None;
            }
            _ => {}
        }
    }
    runs
}

/// Round numbers from below `low` to above `high`, about as many as asked for; powers of two where bytes are counted.
/// Beyond `LARGEST`, nearer to each other than `SMALLEST` or than the numbers between them, values are drawn at the edge.
pub fn ticks(low: f64, high: f64, wanted: usize, binary: bool) -> Vec<f64> {
    let (low, high) = (low.clamp(-LARGEST, LARGEST), high.clamp(-LARGEST, LARGEST));
    // A step that numbers of this size still tell apart.
    let least = SMALLEST.max(low.abs().max(high.abs()) * 1e-14);
    let span = if high > low { high - low } else { 1.0 };
    let rough = (span / wanted.max(1) as f64).max(least);
    let mut unit = 1.0;
    let (factor, steps): (f64, &[f64]) = if binary {
        (2.0, &[1.0, 2.0])
    } else {
        (10.0, &[1.0, 2.0, 2.5, 5.0, 10.0])
    };
    while unit > rough {
        unit /= factor;
    }
    while unit * factor <= rough {
        unit *= factor;
    }
    let step = unit
        * steps
            .iter()
            .copied()
            .find(|step| unit * step >= rough * 0.999)
            .unwrap_or(factor);
    let first = (low / step + 1e-9).floor();
    let last = (high / step - 1e-9).ceil().max(first + 1.0);
    (0..=(last - first) as usize)
        .map(|index| (first + index as f64) * step)
        .collect()
}

/// The range of a scale: with room to the limits of a float, so that spans and steps do not leave them.
const LARGEST: f64 = 1e300;
const SMALLEST: f64 = 1e-300;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_enclose() {
        assert_eq!(
            ticks(0.0, 0.2, 4, false),
            [0.0, 0.05, 0.1, 0.15000000000000002, 0.2]
        );
        assert_eq!(ticks(0.0, 37.0, 4, false), [0.0, 10.0, 20.0, 30.0, 40.0]);
        assert_eq!(
            ticks(0.0, 3.0 * 1024.0, 3, true),
            [0.0, 1024.0, 2048.0, 3072.0]
        );
    }

    #[test]
    fn every_scale_comes_to_an_end() {
        let values = [
            f64::MIN,
            -1e308,
            -1e300,
            -1e17,
            -1.0,
            -5e-324,
            0.0,
            5e-324,
            f64::MIN_POSITIVE,
            1e-300,
            1e-9,
            1.0,
            1.0 + f64::EPSILON,
            1e15,
            1e17,
            1e300,
            1e308,
            f64::MAX,
        ];
        for (low, high) in values
            .iter()
            .flat_map(|low| values.iter().map(move |high| (*low, *high)))
        {
            for binary in [false, true] {
                let ticks = ticks(low, high, 4, binary);
                assert!(
                    (2..=20).contains(&ticks.len()),
                    "{low} to {high}: {ticks:?}"
                );
                assert!(
                    ticks.windows(2).all(|pair| pair[0] < pair[1])
                        && ticks.iter().all(|tick| tick.is_finite()),
                    "{low} to {high}: {ticks:?}"
                );
            }
        }
    }

    #[test]
    fn gaps_are_gaps() {
        let nan = f64::NAN;
        let found: Vec<(usize, usize)> = runs(&[nan, 1.0, 2.0, nan, 3.0])
            .into_iter()
            .map(|(first, values)| (first, values.len()))
            .collect();
        assert_eq!(found, [(1, 2), (4, 1)]);
    }
}
