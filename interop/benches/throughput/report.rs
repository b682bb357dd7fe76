//! Medians, and ratios within each round.

use std::collections::BTreeMap;

pub struct Sample {
    pub name: &'static str,
    pub round: usize,
    /// Messages or round trips in a second.
    pub rate: f64,
    /// The same in a second of the processors' time.
    pub thrift: f64,
}

#[derive(Default)]
pub struct Report {
    samples: BTreeMap<String, Vec<Sample>>,
}

impl Report {
    pub fn add(&mut self, scenario: &str, sample: Sample) {
        self.samples.entry(scenario.to_owned()).or_default().push(sample);
    }

    /// A Markdown table of one scenario, with what each is to two of the contestants.
    pub fn print(&self, scenario: &str, [first, second]: [&str; 2]) {
        let Some(samples) = self.samples.get(scenario) else { return };
        println!(
            "\n### {scenario}\n\n| contestant | per second (median) | to {first} | to {second} | for each second of \
             processors' time, to {first} | to {second} |\n|---|---|---|---|---|---|"
        );
        let mut names: Vec<&str> = Vec::new();
        for sample in samples {
            if !names.contains(&sample.name) {
                names.push(sample.name);
            }
        }
        for name in names {
            let rate = median(samples.iter().filter(|sample| sample.name == name).map(|sample| sample.rate));
            let [rates, thrift] = [|sample: &Sample| sample.rate, |sample: &Sample| sample.thrift]
                .map(|figure| [first, second].map(|other| ratio(samples, figure, name, other)).join(" | "));
            println!("| {name} | {rate:.0} | {rates} | {thrift} |");
        }
    }
}

/// The median of the ratios of two contestants in the same round.
fn ratio(samples: &[Sample], figure: fn(&Sample) -> f64, name: &str, other: &str) -> String {
    let rate = |name: &str, round| {
        samples.iter().find(|sample| sample.name == name && sample.round == round).map(figure)
    };
    let rounds = samples.iter().map(|sample| sample.round).max().unwrap_or(0);
    let ratios: Vec<f64> =
        (0..=rounds).filter_map(|round| Some(rate(name, round)? / rate(other, round)?)).collect();
    if ratios.is_empty() { "-".into() } else { format!("{:.2}", median(ratios.into_iter())) }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
