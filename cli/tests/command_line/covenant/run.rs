//! `btcstake covenant run`: what is said before it runs. Its work is tested in `roles`, and on a real chain.

use crate::fixtures::process::Folder;
use crate::fixtures::secured_chain::SecuredChain;

#[test]
fn what_cannot_run_is_said_before_it_runs() {
    let folder = Folder::new();
    let chain = SecuredChain::start(&folder);
    let run = "covenant run --secret-key-file member.key --record member.record --network regtest";
    let fails = |more: &str, words: &[&str]| folder.run(&format!("{run} {more}")).fails(words);
    fails(&chain.flags(), &["--node is absent"]);
    fails(&format!("{} --node http://127.0.0.1:1", chain.flags()), &["127.0.0.1:1"]);
    // It would end all calls ten minutes after the start.
    let limited = format!("{} --node http://127.0.0.1:1 --timeout 600", chain.flags());
    fails(&limited, &["--timeout is given; must be absent"]);
    fails(
        "--chain-id bbn-1 --node http://127.0.0.1:1 --account-key-file account.key",
        &["--chain-node is absent"],
    );
    fails("--chain-id bbn-1 --chain-node http://127.0.0.1:1", &["--account is absent"]);
    let other = chain.flags().replace("--chain-id bbn-1", "--chain-id bbn-2");
    fails(&format!("{other} --node http://127.0.0.1:1"), &["\"bbn-1\"", "\"bbn-2\""]);
    assert!(!folder.path().join("member.record").exists());
}

/// The page names every alert, and no flag that is not there.
#[test]
fn docs_have_every_alert_and_flag() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/covenant.md")).unwrap();
    for alert in roles::covenant::CovenantAlert::ALL {
        assert!(page.contains(&format!("\n| `{alert}` |")), "{alert}");
    }
    crate::provider::run::check_flags(&page);
}
