//! What the run came to.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

/// The figures of a run.
#[derive(Debug, Default)]
pub struct Report {
    pub lines: usize,
    pub bytes: usize,
    pub delivered: usize,
    /// The longest line.
    pub longest: usize,
    pub faults: u64,
    /// Bytes between two faults, on average.
    pub fault_every: u64,
    pub reconnects: u64,
    /// Why connections ended.
    pub causes: BTreeMap<String, u64>,
    pub cancelled: u64,
    pub resent: u64,
    pub duplicates: u64,
    pub peak_queued: usize,
    pub budget: usize,
    pub elapsed: Duration,
    pub sent_checksum: u32,
    pub received_checksum: u32,
}

impl Report {
    /// Whether what came out is what went in.
    pub fn is_faithful(&self) -> bool {
        self.lines == self.delivered && self.sent_checksum == self.received_checksum
    }

    /// What the program ends with.
    pub fn exit_code(&self) -> ExitCode {
        if self.is_faithful() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    fn faults_and_why(&self) -> String {
        let why = if self.faults > 0 || self.lines == 0 {
            String::new()
        } else {
            format!(
                " (one comes every {} bytes, so that the longest line, of {}, gets through; there was less to send)",
                self.fault_every, self.longest
            )
        };
        format!("{}{why}", self.faults)
    }

    fn reconnects_and_why(&self) -> String {
        let causes: Vec<String> =
            self.causes.iter().map(|(cause, count)| format!("{count}: {cause}")).collect();
        let why = if causes.is_empty() { String::new() } else { format!(" ({})", causes.join("; ")) };
        format!("{}{why}", self.reconnects)
    }

    fn peak_and_why(&self) -> String {
        let why = if self.peak_queued <= self.budget {
            String::new()
        } else {
            format!(
                ", exceeded by one line of up to {} bytes: what is larger than the budget is admitted alone",
                self.longest
            )
        };
        format!("{} of {} budgeted{why}", self.peak_queued, self.budget)
    }

    pub fn print(&self) {
        let seconds = self.elapsed.as_secs_f64().max(1e-9);
        let rate = self.delivered as f64 / seconds;
        let rows = [
            ("lines delivered", format!("{} of {}", self.delivered, self.lines)),
            ("link faults", self.faults_and_why()),
            ("reconnects", self.reconnects_and_why()),
            ("cancelled operations", self.cancelled.to_string()),
            ("resent because in doubt", self.resent.to_string()),
            ("duplicates discarded", self.duplicates.to_string()),
            ("peak queued bytes", self.peak_and_why()),
            ("time", format!("{seconds:.2} s")),
            ("throughput", format!("{rate:.0} lines/s, {:.2} MB/s", self.bytes as f64 / seconds / 1e6)),
            ("checksum in", format!("{:08x}", self.sent_checksum)),
            ("checksum out", format!("{:08x}", self.received_checksum)),
        ];
        for (name, value) in rows {
            println!("{name:<24} {value}");
        }
        println!(
            "{}",
            if self.is_faithful() { "input and output are equal" } else { "INPUT AND OUTPUT DIFFER" }
        );
    }
}
