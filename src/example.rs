//! What all examples of methods have around them.

/// A program on tokio with this body, as documentation: it is run with the tests.
macro_rules! example {
    ($body:literal) => {
        concat!(
            "\n# Example\n\n```\n# #[cfg(feature = \"tokio\")]\n# mod example {\n",
            "use monocoque::tokio::prelude::*;\n\n",
            "# #[tokio::main(flavor = \"current_thread\")]\n",
            "# pub async fn main() -> monocoque::Result<()> {\n",
            $body,
            "\n# Ok(())\n# }\n# }\n# #[cfg(feature = \"tokio\")]\n# example::main().unwrap();\n```"
        )
    };
}
