//! The tree of the crate, where its sources say that it is.

#[allow(dead_code, reason = "the cases use a part of the tree")]
#[path = "../../../../src/routing/fan_out"]
pub mod fan_out {
    mod children;
    mod label;
    mod prefix_tree;

    use crate::cases::Tree;

    /// What the cases need of it.
    #[derive(Default)]
    pub struct Ours(prefix_tree::PrefixTree<u64>);

    impl Tree for Ours {
        fn insert(&mut self, key: &[u8], value: u64) {
            let (node, _) = self.0.insert_with(key, || value);
            self.0.value_mut(node).into_iter().for_each(|old| *old = value);
        }

        fn remove(&mut self, key: &[u8]) {
            self.0.find(key).map(|node| self.0.remove(node));
        }

        fn sum_of_prefixes(&self, key: &[u8]) -> u64 {
            self.0.prefixes_of(key).sum()
        }
    }
}
