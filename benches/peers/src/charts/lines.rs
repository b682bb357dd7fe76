//! Lines over a parameter, both axes logarithmic.

use std::path::Path;

use plotters::prelude::*;

use super::style::{FONT, SIZE, colour};
use crate::Result;

pub struct Line {
    pub group: String,
    pub points: Vec<(f64, f64)>,
}

/// Draws lines, if there are points enough for any.
pub fn draw(path: &Path, title: &str, axis: &str, lines: &[Line]) -> Result<()> {
    let points = || lines.iter().flat_map(|line| &line.points);
    let range = |values: &mut dyn Iterator<Item = f64>| {
        values.fold((f64::INFINITY, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)))
    };
    let (left, right) = range(&mut points().map(|point| point.0));
    let (low, high) = range(&mut points().map(|point| point.1));
    if left >= right {
        return Ok(());
    }
    let area = SVGBackend::new(path, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption(title, (FONT, 20))
        .margin(12)
        .margin_right(24)
        .x_label_area_size(40)
        .y_label_area_size(60)
        .build_cartesian_2d((left..right).log_scale(), (low * 0.8..high * 1.25).log_scale())?;
    chart
        .configure_mesh()
        .x_desc(axis)
        .y_label_formatter(&|value| format!("{value}"))
        .x_label_formatter(&|value| format!("{value}"))
        .light_line_style(WHITE)
        .label_style((FONT, 14))
        .draw()?;
    for line in lines {
        let colour = colour(&line.group);
        let style = colour.stroke_width(if line.group.starts_with("ours") { 3 } else { 2 });
        chart
            .draw_series(LineSeries::new(line.points.iter().copied(), style))?
            .label(&line.group)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style));
        chart.draw_series(line.points.iter().map(|&point| Circle::new(point, 3, colour.filled())))?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .background_style(WHITE.mix(0.8))
        .border_style(RGBColor(200, 200, 200))
        .label_font((FONT, 14))
        .draw()?;
    area.present()?;
    Ok(())
}
