//! What the run came to.

use std::process::ExitCode;
use std::time::Duration;

/// The figures of a run.
#[derive(Debug, Default)]
pub struct Report {
    pub lines: usize,
    pub bytes: usize,
    pub delivered: usize,
    pub faults: u64,
    pub reconnects: u64,
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

    pub fn print(&self) {
        let seconds = self.elapsed.as_secs_f64().max(1e-9);
        let rate = self.delivered as f64 / seconds;
        let rows = [
            ("lines delivered", format!("{} of {}", self.delivered, self.lines)),
            ("link faults", self.faults.to_string()),
            ("reconnects", self.reconnects.to_string()),
            ("cancelled operations", self.cancelled.to_string()),
            ("resent because in doubt", self.resent.to_string()),
            ("duplicates discarded", self.duplicates.to_string()),
            ("peak queued bytes", format!("{} of {} budgeted", self.peak_queued, self.budget)),
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
