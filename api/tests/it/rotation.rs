//! Keys of what is sealed at rest are rotated, and nobody notices.

use api::accounts::{rotation::seal_anew, seal::Seal, totp};
use schemas::keys::Keys;

use crate::{
    browser::{cookie, form, later},
    factors::{now_s, with_app},
    world::{PASSWORD, World},
};

const OLD: &str = "1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const NEW: &str = "2 202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f";

#[tokio::test]
async fn everything_is_sealed_by_the_new_key_and_the_old_one_may_go() {
    let world = World::new().await;
    let (secret, ..) = with_app(&world, 2, "ben").await;
    later(&world);
    world.submit_as("", "/accounts/password/reset/", &form(&[("email", "ben@example.org")])).await;
    let letters = world.letters("ben@example.org").await;
    let both = Seal::new(&Keys::parse(&format!("{OLD}\n{NEW}")).unwrap());
    let mut owner = world.owner.acquire().await.unwrap();
    let done = seal_anew(&mut owner, &both).await.unwrap();
    assert_eq!(done.iter().map(|(_, count)| *count).collect::<Vec<_>>(), [1, letters.len()]);
    let again = seal_anew(&mut owner, &both).await.unwrap();
    assert!(again.iter().all(|(_, count)| *count == 0), "nothing is left to do");
    // A service that knows the new key alone.
    let alone = Seal::new(&Keys::parse(NEW).unwrap());
    let world = world.with_app(|app| app.seal = alone);
    assert_eq!(world.letters("ben@example.org").await, letters);
    let fields = form(&[("login", "ben"), ("password", PASSWORD)]);
    let flow =
        cookie(&world.submit_as("", "/accounts/login/", &fields).await, "__Host-flow").unwrap();
    let code = form(&[("code", &totp::code_at(&secret, now_s()))]);
    let answer = world.submit_as(&flow, "/accounts/login/2fa/", &code).await;
    assert!(cookie(&answer, "__Host-sid").is_some(), "{}", answer.text);
    // One that does not know the key says which.
    let stranger = Seal::new(&Keys::parse(&NEW.replacen('2', "3", 1)).unwrap());
    let error = format!("{:#}", seal_anew(&mut owner, &stranger).await.unwrap_err());
    assert!(error.contains("secrets of apps of row 2") && error.contains("key 2"), "{error}");
}
