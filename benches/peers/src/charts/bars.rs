//! A bar for each group, from zero.

use std::path::Path;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::style::{FONT, colour};
use crate::Result;
use crate::report::number;

pub struct Bar {
    pub group: String,
    pub value: f64,
}

/// Draws bars from the top down, if there are any.
pub fn draw(path: &Path, title: &str, bars: &[Bar]) -> Result<()> {
    let high = bars.iter().map(|bar| bar.value).fold(0.0, f64::max);
    if high <= 0.0 {
        return Ok(());
    }
    let area = SVGBackend::new(path, (900, 90 + 32 * bars.len() as u32)).into_drawing_area();
    area.fill(&WHITE)?;
    // The first bar stands on top, where the axis ends.
    let upwards: Vec<&Bar> = bars.iter().rev().collect();
    let mut chart = ChartBuilder::on(&area)
        .caption(title, (FONT, 20))
        .margin(12)
        .x_label_area_size(28)
        .y_label_area_size(170)
        .build_cartesian_2d(0.0..high * 1.12, (0..upwards.len() - 1).into_segmented())?;
    let name = |segment: &SegmentValue<usize>| match segment {
        SegmentValue::CenterOf(place) => upwards[*place].group.clone(),
        _ => String::new(),
    };
    chart
        .configure_mesh()
        .disable_y_mesh()
        .light_line_style(WHITE)
        .y_labels(upwards.len())
        .y_label_formatter(&name)
        .x_label_formatter(&|value| number(*value))
        .label_style((FONT, 14))
        .draw()?;
    for (place, bar) in upwards.iter().enumerate() {
        let corners = [(0.0, SegmentValue::Exact(place)), (bar.value, SegmentValue::Exact(place + 1))];
        let mut rectangle = Rectangle::new(corners, colour(&bar.group).filled());
        rectangle.set_margin(5, 5, 0, 0);
        chart.draw_series([rectangle])?;
        let style = TextStyle::from((FONT, 14)).pos(Pos::new(HPos::Left, VPos::Center));
        let at = (bar.value, SegmentValue::CenterOf(place));
        chart.draw_series([Text::new(format!(" {}", number(bar.value)), at, style)])?;
    }
    area.present()?;
    Ok(())
}
