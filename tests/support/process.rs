/// Mounts files of `tests/process` once for each runtime.
macro_rules! mount {
    ($($file:ident),+) => {
        mount!(@ tokio, "tokio", $($file),+);
        mount!(@ compio, "compio", $($file),+);
    };
    (@ $name:ident, $feature:literal, $($file:ident),+) => {
        #[cfg(feature = $feature)]
        #[path = "process"]
        mod $name {
            use crate::support::$name as rt;

            $(pub(crate) mod $file;)+
        }
    };
}
