//! A bound on how often many connections are tried again.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// A budget of retries that sockets share, against storms of reconnection.
///
/// Backoff spaces the attempts of one endpoint; a process with a thousand connections to a server that has gone still
/// comes back a thousand times for each step. With a budget each attempt after the first of an endpoint takes one retry
/// out of it, each connection that gets through the handshake puts a part of one in, and so many come by themselves each
/// second; never more are in it than it holds. What finds it empty is put off, by the longest delay of its backoff
/// ([`SocketEvent::RetryPutOff`](crate::SocketEvent::RetryPutOff)), and then asks again. After Finagle's and tower's
/// retry budgets; libzmq has none.
///
/// Clones are the same budget. Give one to every socket that shares a fate, such as all that talk to one cluster
/// ([`with_retry_budget`](crate::SocketOptions::with_retry_budget)).
///
/// In `t` seconds all of them together make at most `capacity + t * per_second + deposit * connections` attempts to
/// reconnect.
///
/// ```
/// use monocoque::SocketOptions;
/// use monocoque::resilience::RetryBudget;
/// use std::time::{Duration, Instant};
///
/// // Ten at once, two more each second, and one for every four connections.
/// let budget = RetryBudget::new(10, 2.0).with_deposit(0.25);
/// let options = SocketOptions::default().with_retry_budget(budget.clone());
/// # drop(options);
///
/// let now = Instant::now();
/// assert_eq!((0..100).filter(|_| budget.withdraw(now)).count(), 10);
/// assert_eq!(budget.available(now + Duration::from_secs(3)), 6);
/// ```
#[derive(Clone)]
pub struct RetryBudget {
    shared: Arc<Shared>,
}

struct Shared {
    terms: Terms,
    account: Mutex<Account>,
}

#[derive(Clone, Copy, Debug)]
struct Terms {
    capacity: f64,
    per_second: f64,
    deposit: f64,
}

struct Account {
    retries: f64,
    /// When the time was last paid for; `None` before it was first asked.
    paid_until: Option<Instant>,
}

impl RetryBudget {
    /// A budget that is full: `capacity` retries at once, at least 1, and so many more each second.
    ///
    /// A rate that is negative or no number counts as 0: then only connections fill it, and once it is empty and all
    /// connections are lost, nothing is tried again.
    ///
    /// ```
    /// use monocoque::resilience::RetryBudget;
    /// use std::time::{Duration, Instant};
    ///
    /// let budget = RetryBudget::new(2, 0.5);
    /// let now = Instant::now();
    /// assert!(budget.withdraw(now) && budget.withdraw(now) && !budget.withdraw(now));
    /// assert!(budget.withdraw(now + Duration::from_secs(2)));
    /// ```
    #[must_use]
    pub fn new(capacity: u32, per_second: f64) -> Self {
        let capacity = f64::from(capacity.max(1));
        Self::with_terms(Terms { capacity, per_second: at_least_zero(per_second), deposit: 0.2 })
    }

    /// How much of a retry each connection puts in that gets through the handshake; default 0.2, clamped to 0.0 to
    /// 0.9, so that a peer which accepts and hangs up does not pay for being tried again. Makes another budget, full.
    ///
    /// ```
    /// use monocoque::resilience::RetryBudget;
    ///
    /// // Two connections that succeed pay for one retry.
    /// let (budget, now) = (RetryBudget::new(1, 0.0).with_deposit(0.5), std::time::Instant::now());
    /// assert!(budget.withdraw(now) && !budget.withdraw(now));
    /// budget.deposit();
    /// budget.deposit();
    /// assert!(budget.withdraw(now));
    /// ```
    #[must_use]
    pub fn with_deposit(self, deposit: f64) -> Self {
        let deposit = at_least_zero(deposit).min(0.9);
        Self::with_terms(Terms { deposit, ..self.shared.terms })
    }

    fn with_terms(terms: Terms) -> Self {
        let account = Mutex::new(Account { retries: terms.capacity, paid_until: None });
        Self { shared: Arc::new(Shared { terms, account }) }
    }

    /// Takes one retry out; false if there is none.
    ///
    /// What retries of your own cost can be taken out of the same budget.
    ///
    /// [`new`](Self::new) shows what is granted.
    pub fn withdraw(&self, now: Instant) -> bool {
        let mut account = self.account(now);
        let granted = account.retries >= 1.0;
        if granted {
            account.retries -= 1.0;
        }
        granted
    }

    /// Puts in what one success is worth ([`with_deposit`](Self::with_deposit)).
    ///
    /// It is for what you try again yourself: sockets do it for their own.
    pub fn deposit(&self) {
        let Terms { capacity, deposit, .. } = self.shared.terms;
        let mut account = self.lock();
        account.retries = (account.retries + deposit).min(capacity);
    }

    /// Whole retries that are in it.
    ///
    /// [`RetryBudget`] shows it after a while.
    #[must_use]
    pub fn available(&self, now: Instant) -> u32 {
        // It holds no more than the `u32` that it was made with.
        self.account(now).retries as u32
    }

    /// The account, with what time has brought. A clock that goes back brings nothing.
    fn account(&self, now: Instant) -> MutexGuard<'_, Account> {
        let Terms { capacity, per_second, .. } = self.shared.terms;
        let mut account = self.lock();
        let since =
            account.paid_until.map_or(0.0, |until| now.saturating_duration_since(until).as_secs_f64());
        account.retries = (account.retries + since * per_second).min(capacity);
        account.paid_until = account.paid_until.max(Some(now));
        account
    }

    fn lock(&self) -> MutexGuard<'_, Account> {
        // Nothing in here can panic half-way; a poisoned lock is as good as any.
        self.shared.account.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for RetryBudget {
    /// A hundred retries at once, ten a second, and one more for every five connections: what tower begins with.
    fn default() -> Self {
        Self::new(100, 10.0)
    }
}

impl fmt::Debug for RetryBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let retries = self.lock().retries;
        let Terms { capacity, per_second, deposit } = self.shared.terms;
        f.debug_struct("RetryBudget")
            .field("retries", &retries)
            .field("capacity", &capacity)
            .field("per_second", &per_second)
            .field("deposit", &deposit)
            .finish()
    }
}

/// `max` returns the other operand for what is no number.
fn at_least_zero(number: f64) -> f64 {
    number.max(0.0)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn withdrawn(budget: &RetryBudget, now: Instant) -> usize {
        std::iter::from_fn(|| budget.withdraw(now).then_some(())).take(1_000).count()
    }

    #[test]
    fn it_is_full_at_first_and_never_fuller() {
        let budget = RetryBudget::new(5, 2.0);
        let now = Instant::now();
        (0..100).for_each(|_| budget.deposit());
        assert_eq!(budget.available(now), 5);
        assert_eq!(withdrawn(&budget, now), 5);
        assert_eq!(withdrawn(&budget, now + SECOND), 2);
        assert_eq!(withdrawn(&budget, now + 1_000 * SECOND), 5);
    }

    #[test]
    fn successes_pay_for_retries() {
        let budget = RetryBudget::new(3, 0.0).with_deposit(0.25);
        let now = Instant::now();
        assert_eq!(withdrawn(&budget, now), 3);
        (0..3).for_each(|_| budget.deposit());
        assert_eq!(withdrawn(&budget, now + 1_000 * SECOND), 0);
        budget.deposit();
        assert_eq!(withdrawn(&budget, now), 1);
    }

    /// Kills time that is paid for twice, and a clock that goes back and is paid for again.
    #[test]
    fn time_is_paid_for_once() {
        let budget = RetryBudget::new(100, 4.0);
        let now = Instant::now();
        assert_eq!(withdrawn(&budget, now), 100);
        for _ in 0..10 {
            assert_eq!(budget.available(now + SECOND), 4);
            assert_eq!(budget.available(now), 4);
        }
        for quarter in 1..=4 {
            assert_eq!(budget.available(now + SECOND + SECOND / 4 * quarter), 4 + quarter);
        }
    }

    #[test]
    fn clones_are_one_budget_and_terms_make_another() {
        let budget = RetryBudget::new(2, 0.0);
        let (now, clone, other) = (Instant::now(), budget.clone(), budget.clone().with_deposit(0.5));
        assert_eq!((withdrawn(&budget, now), clone.available(now), other.available(now)), (2, 0, 2));
    }

    #[test]
    fn extremes_are_clamped() {
        let now = Instant::now();
        for number in [f64::NAN, -1.0, f64::NEG_INFINITY] {
            let budget = RetryBudget::new(0, number).with_deposit(number);
            budget.deposit();
            assert_eq!((withdrawn(&budget, now), withdrawn(&budget, now + SECOND)), (1, 0));
        }
        let budget = RetryBudget::new(u32::MAX, f64::INFINITY).with_deposit(f64::INFINITY);
        assert_eq!(budget.available(now + SECOND), u32::MAX);
        assert!(format!("{budget:?}").contains("deposit: 0.9"));
        let default = RetryBudget::default();
        assert_eq!((withdrawn(&default, now), withdrawn(&default, now + SECOND)), (100, 10));
    }
}
