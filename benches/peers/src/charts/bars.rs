//! A bar for each group, over a logarithmic axis.

use std::path::Path;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::style::{FONT, SIZE, colour};
use crate::Result;
use crate::report::number;

pub struct Bar {
    pub group: String,
    pub value: f64,
}

/// Draws bars from the top down, if there are any.
pub fn draw(path: &Path, title: &str, bars: &[Bar]) -> Result<()> {
    let positive = || bars.iter().map(|bar| bar.value).filter(|value| *value > 0.0);
    let high = positive().fold(0.0, f64::max);
    let low = positive().fold(high, f64::min) / 2.0;
    if high <= 0.0 {
        return Ok(());
    }
    let area = SVGBackend::new(path, (SIZE.0, 80 + 36 * bars.len() as u32)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption(title, (FONT, 20))
        .margin(12)
        .x_label_area_size(24)
        .y_label_area_size(170)
        .build_cartesian_2d((low..high * 1.6).log_scale(), (0..bars.len()).into_segmented())?;
    let name = |segment: &SegmentValue<usize>| match segment {
        SegmentValue::CenterOf(place) => {
            bars.iter().rev().nth(*place).map_or(String::new(), |bar| bar.group.clone())
        }
        _ => String::new(),
    };
    chart
        .configure_mesh()
        .disable_y_mesh()
        .light_line_style(WHITE)
        .y_labels(bars.len())
        .y_label_formatter(&name)
        .x_label_formatter(&|value| format!("{value}"))
        .label_style((FONT, 14))
        .draw()?;
    let anchor = Pos::new(HPos::Left, VPos::Center);
    for (place, bar) in bars.iter().rev().enumerate() {
        let end = bar.value.max(low);
        let corners = [(low, SegmentValue::Exact(place)), (end, SegmentValue::Exact(place + 1))];
        let mut rectangle = Rectangle::new(corners, colour(&bar.group).filled());
        rectangle.set_margin(5, 5, 0, 0);
        chart.draw_series([rectangle])?;
        let text = format!(" {}", number(bar.value));
        let style = TextStyle::from((FONT, 14)).pos(anchor);
        chart.draw_series([Text::new(text, (end, SegmentValue::CenterOf(place)), style)])?;
    }
    area.present()?;
    Ok(())
}
