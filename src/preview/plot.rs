//! Lines and areas as SVG geometry without text, stretched to whatever room the page gives it; classes say what each is,
//! and the style sheet gives it the colours of the theme.

mod mark;
mod ticks;

pub(crate) use mark::{Mark, PALETTE};
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
pub(crate) use ticks::ticks;

/// The plane that geometry is drawn on; the page stretches it, strokes keep their width.
const SIZE: (u32, u32) = (2000, 1000);

pub(crate) struct Line {
    pub mark: Mark,
    /// The upper edge at each instant; NaN leaves a gap.
    pub values: Vec<f64>,
    /// The lower edge of its area.
    pub base: Vec<f64>,
    /// How dense its area is, 0 to 1.
    pub fill: f64,
}

/// What lies under lines and over them.
pub(crate) struct PlotArea<'a> {
    /// Values with a line of the grid.
    pub ticks: &'a [f64],
    /// Values with a line of their own.
    pub thresholds: &'a [(f64, Mark)],
    /// First and last instant of what is marked from top to bottom.
    pub annotations: &'a [(usize, usize)],
}

/// Lines on their ground, between two values.
pub(crate) fn drawn(
    lines: &[Line],
    ground: &PlotArea,
    (low, high): (f64, f64),
) -> Result<String, String> {
    let count = lines
        .iter()
        .map(|line| line.values.len())
        .max()
        .unwrap_or(2)
        .max(2);
    let plane = Plane {
        last: (count - 1) as f64,
        low,
        high,
    };
    paint(&plane, lines, ground).map_err(|error| error.to_string())
}

type Chart<'a> = ChartContext<'a, SVGBackend<'a>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;
type Drawn<T> = Result<T, Box<dyn std::error::Error>>;

/// What is drawn on: instants from 0 to `last`, values from `low` to `high`.
struct Plane {
    last: f64,
    low: f64,
    high: f64,
}

impl Plane {
    /// Elements as one group with classes.
    fn group(&self, classes: &str, draw: impl FnOnce(&mut Chart) -> Drawn<()>) -> Drawn<String> {
        let mut svg = String::new();
        {
            let root = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
            let mut chart =
                ChartBuilder::on(&root).build_cartesian_2d(0.0..self.last, self.low..self.high)?;
            draw(&mut chart)?;
            root.present()?;
        }
        // The element around it is the page's own.
        let inner = svg.split_once('>').map_or("", |(_, rest)| rest);
        let inner = inner
            .rsplit_once("</svg>")
            .map_or(inner, |(inner, _)| inner);
        let elements: Vec<&str> = inner.lines().map(str::trim).collect();
        Ok(format!(
            "<g class=\"{classes}\">{}</g>\n",
            elements.concat()
        ))
    }

    /// From side to side.
    fn across(&self, value: f64) -> PathElement<(f64, f64)> {
        PathElement::new(vec![(0.0, value), (self.last, value)], BLACK)
    }
}

/// Colours of the elements are those of the groups, so all are drawn in black here.
fn paint(plane: &Plane, lines: &[Line], ground: &PlotArea) -> Drawn<String> {
    let (low, high) = (plane.low, plane.high);
    let mut svg = plane.group("grid", |chart| {
        chart.draw_series(ground.ticks.iter().map(|tick| plane.across(*tick)))?;
        Ok(())
    })?;
    if !ground.annotations.is_empty() {
        svg += &plane.group(&Mark::ANNOTATION.classes(), |chart| {
            for (first, until) in ground.annotations {
                let (first, until) = (*first as f64, *until as f64);
                let area = [(first, low), (until, high)];
                chart.draw_series([Rectangle::new(area, BLACK.mix(0.06).filled())])?;
                chart.draw_series([PathElement::new(vec![(first, low), (first, high)], BLACK)])?;
            }
            Ok(())
        })?;
    }
    for line in lines {
        svg += &plane.group(&line.mark.classes(), |chart| stretch(chart, line, plane))?;
    }
    let shown = |(value, _): &&(f64, Mark)| (low..=high).contains(value);
    for (value, mark) in ground.thresholds.iter().filter(shown) {
        svg += &plane.group(&mark.classes(), |chart| {
            chart.draw_series([plane.across(*value)])?;
            Ok(())
        })?;
    }
    Ok(svg)
}

/// A line with its area, for each stretch without a gap.
fn stretch(chart: &mut Chart, line: &Line, plane: &Plane) -> Drawn<()> {
    let inside = |value: f64| value.clamp(plane.low, plane.high);
    for (first, upper) in runs(&line.values) {
        let points: Vec<(f64, f64)> = upper
            .iter()
            .enumerate()
            .map(|(index, value)| ((first + index) as f64, inside(*value)))
            .collect();
        if line.fill > 0.0 {
            let lower = (first..first + upper.len())
                .rev()
                .map(|index| (index as f64, inside(line.base[index])));
            let outline: Vec<(f64, f64)> = points.iter().copied().chain(lower).collect();
            chart.draw_series([Polygon::new(outline, BLACK.mix(line.fill))])?;
        }
        // A single sample would have no length.
        let points = match points.as_slice() {
            [(at, value)] => vec![(at - 0.2, *value), (at + 0.2, *value)],
            _ => points,
        };
        chart.draw_series(LineSeries::new(points, BLACK))?;
    }
    Ok(())
}

/// Stretches without a gap: where each begins, and its values.
pub(crate) fn runs(values: &[f64]) -> Vec<(usize, &[f64])> {
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
#[cfg(test)]
mod tests {
    use super::*;

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
