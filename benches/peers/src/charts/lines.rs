//! Lines over a parameter, both axes logarithmic.

use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;

use super::style::{FONT, colour, stroke};
use crate::Result;

const SIZE: (u32, u32) = (900, 460);
const LEGEND: u32 = 180;

pub struct Line {
    pub group: String,
    pub points: Vec<(f64, f64)>,
}

/// How the axis of the parameter is labelled.
pub struct Axis {
    pub title: &'static str,
    /// Labels stand at powers of this.
    pub base: f64,
    pub label: fn(f64) -> String,
}

/// Draws lines, if there are points enough for any.
pub fn draw(path: &Path, title: &str, axis: &Axis, lines: &[Line]) -> Result<()> {
    let points = || lines.iter().flat_map(|line| &line.points);
    let (left, right) = range(points().map(|point| point.0));
    let (low, high) = range(points().map(|point| point.1));
    if left >= right {
        return Ok(());
    }
    let area = SVGBackend::new(path, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let (plot, legend) = area.split_horizontally(SIZE.0 - LEGEND);
    let mut chart = ChartBuilder::on(&plot)
        .caption(title, (FONT, 20))
        .margin(12)
        .margin_right(30)
        .x_label_area_size(44)
        .y_label_area_size(60)
        .build_cartesian_2d(
            (left..right).log_scale().base(axis.base),
            (low * 0.8..high * 1.25).log_scale().base(2.0),
        )?;
    chart
        .configure_mesh()
        .x_desc(axis.title)
        .x_label_formatter(&|value| (axis.label)(*value))
        .y_label_formatter(&|value| format!("{value}"))
        .light_line_style(WHITE)
        .label_style((FONT, 14))
        .draw()?;
    for line in lines {
        let colour = colour(&line.group);
        chart.draw_series(LineSeries::new(line.points.iter().copied(), stroke(&line.group)))?;
        chart.draw_series(line.points.iter().map(|&point| Circle::new(point, 3, colour.filled())))?;
    }
    explain(&legend, lines)?;
    area.present()?;
    Ok(())
}

fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, 0.0), |(low, high), value| (value.min(low), value.max(high)))
}

/// Names the lines, those that end highest first.
fn explain(legend: &DrawingArea<SVGBackend, Shift>, lines: &[Line]) -> Result<()> {
    let last = |line: &Line| line.points.last().map_or(0.0, |point| point.1);
    let mut sorted: Vec<&Line> = lines.iter().collect();
    sorted.sort_by(|a, b| last(b).total_cmp(&last(a)));
    for (row, line) in (0..).zip(sorted) {
        let y = 60 + 24 * row;
        legend.draw(&PathElement::new([(0, y), (22, y)], stroke(&line.group)))?;
        legend.draw(&Text::new(line.group.clone(), (30, y - 7), (FONT, 14)))?;
    }
    Ok(())
}
