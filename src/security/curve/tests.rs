use super::*;

/// The pairs of RFC 26's example and of libzmq's tests.
const PAIRS: [(&str, &str); 2] = [
    ("Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID", "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"),
    ("rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7", "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6"),
];

#[test]
fn the_public_key_follows_from_the_secret_one() {
    for (public, secret) in PAIRS {
        let keypair = CurveKeypair::from(CurveSecretKey::from_z85(secret).unwrap());
        assert_eq!(keypair.public_key(), public.parse().unwrap());
        assert_eq!(keypair.public_key().to_string(), public);
        assert_eq!(*keypair.secret_key().to_z85(), secret);
    }
}

#[test]
fn keys_that_do_not_belong_together_are_no_pair() {
    let [(public, secret), (other, _)] = PAIRS;
    let secret = CurveSecretKey::from_z85(secret).unwrap();
    assert!(CurveKeypair::new(public.parse().unwrap(), secret.clone()).is_ok());
    assert_eq!(CurveKeypair::new(other.parse().unwrap(), secret.clone()), Err(CurveKeyError::NotAPair));
    // The two halves in each other's place.
    let swapped = CurvePublicKey::from_bytes(*secret.as_bytes());
    assert_eq!(CurveKeypair::new(swapped, secret), Err(CurveKeyError::NotAPair));
}

#[test]
fn new_pairs_are_pairs_and_differ() {
    let pairs: Vec<_> = (0..20).map(|_| CurveKeypair::generate().unwrap()).collect();
    for (n, pair) in pairs.iter().enumerate() {
        assert!(CurveKeypair::new(pair.public_key(), pair.secret_key().clone()).is_ok());
        let same = pairs.iter().filter(|other| other.secret_key() == pair.secret_key()).count();
        assert_eq!(same, 1, "{n}");
    }
}

#[test]
fn secrets_are_not_shown() {
    let secret = PAIRS[0].1;
    let keypair = CurveKeypair::from(CurveSecretKey::from_z85(secret).unwrap());
    let keys = CurveServerKeys::from(keypair.clone());
    let shown = format!("{keypair:?} {keypair:#?} {keys:?} {:?}", keypair.secret_key());
    assert!(shown.contains(PAIRS[0].0) && !shown.contains(secret), "{shown}");
    assert!(!shown.contains(&format!("{:?}", keypair.secret_key().as_bytes())), "{shown}");
    let error = CurveSecretKey::from_z85(&secret[1..]).unwrap_err();
    assert!(!format!("{error} {error:?}").contains(&secret[1..5]), "{error}");
}

#[test]
fn keys_can_be_replaced() {
    let [a, b] = [0; 2].map(|_| CurveKeypair::generate().unwrap());
    let keys = CurveServerKeys::from(a.clone());
    let handle = keys.clone();
    assert_eq!(handle.public_keys(), [a.public_key()]);
    keys.replace([b.clone(), a.clone()]);
    assert_eq!(handle.public_keys(), [b.public_key(), a.public_key()]);
    keys.replace([]);
    assert_eq!(handle.public_keys(), []);
}
