//! Which links a log wants, and that seeding twice adds nothing.

use super::*;
use migrations::testing::{Postgres, Role};
use schemas::ids::PLATFORM;

const LOG: &[u8] = include_bytes!("../../../../load-tests/data/access.log.gz");

#[tokio::test]
async fn seeding_twice_adds_nothing_and_keeps_what_people_changed() {
    let database = Postgres::fresh().await;
    let pool = database.pool(Role::Owner).await;
    let mut connection = pool.acquire().await.unwrap();
    let links = wanted(log::read(LOG).unwrap()).unwrap();

    let first = seed(&mut connection, PLATFORM, &links).await.unwrap();
    assert_eq!((first.programs.len(), first.affiliates.len(), first.new_links), (5, 12, 24));
    sqlx::query!("UPDATE affiliate_program SET destination = 'https://mine.example/'")
        .execute(&mut *connection)
        .await
        .unwrap();

    let second = seed(&mut connection, PLATFORM, &links).await.unwrap();
    assert_eq!(second, Seeded { new_links: 0, ..first });
    let kept = sqlx::query_scalar!(
        "SELECT count(*) AS \"count!\" FROM affiliate_program WHERE destination = 'https://mine.example/'"
    )
    .fetch_one(&mut *connection)
    .await
    .unwrap();
    assert_eq!(kept, 5);
}

#[tokio::test]
async fn a_link_belongs_to_the_program_and_affiliate_of_its_code() {
    let database = Postgres::fresh().await;
    let pool = database.pool(Role::Owner).await;
    let mut connection = pool.acquire().await.unwrap();
    let links = wanted(log::read(LOG).unwrap()).unwrap();
    let seeded = seed(&mut connection, PLATFORM, &links).await.unwrap();
    let rows = sqlx::query!("SELECT code, program_id, affiliate_id FROM affiliate_affiliatelink")
        .fetch_all(&mut *connection)
        .await
        .unwrap();
    assert_eq!(rows.len(), 24);
    for row in rows {
        let first = row.code.split('-').next().unwrap();
        let program = PROGRAMS[..4].iter().position(|name| *name == first).unwrap_or(4);
        let affiliate = seeded.affiliates[log::affiliate(&row.code) as usize];
        assert_eq!(row.program_id, seeded.programs[program].to_sql(), "{}", row.code);
        assert_eq!(row.affiliate_id, affiliate.to_sql(), "{}", row.code);
    }
}
