//! Colours and fonts.

use plotters::style::{Color, RGBColor, ShapeStyle};

pub const FONT: &str = "sans-serif";

/// The same colour for a group in all charts.
pub fn colour(group: &str) -> RGBColor {
    match group {
        "raw" => RGBColor(150, 150, 150),
        "libzmq" => RGBColor(60, 60, 60),
        "ours tokio" => RGBColor(200, 30, 45),
        "ours tokio-local" => RGBColor(230, 90, 110),
        "ours compio" => RGBColor(240, 130, 40),
        "zeromq" => RGBColor(120, 90, 180),
        "rzmq" => RGBColor(30, 140, 120),
        "omq" => RGBColor(40, 110, 190),
        "monocoque-rs tokio" => RGBColor(110, 160, 60),
        _ => RGBColor(180, 160, 40),
    }
}

/// A line, bolder for ours.
pub fn stroke(group: &str) -> ShapeStyle {
    colour(group).stroke_width(if group.starts_with("ours") { 3 } else { 2 })
}
