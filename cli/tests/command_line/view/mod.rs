//! What several commands print.

mod output;
