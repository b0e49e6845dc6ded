(module
  (import "host" "refillRead" (func $refillRead (param i64 i32) (result i32)))
  (import "host" "refillWrite" (func $refillWrite (param i64 i32) (result i32)))
  (import "host" "flagWords" (func $flagWords (param i32 i64 i64 i32)))
  (import "host" "memory" (memory 1))
  (func $region (export "region") (param i32) (result i32)
    (local i32 i64 i64 i64 i64 i32 i64 i32 i32 i64 i64 i64 i64 i32 i32 i64 i64 i64 i64 i64)
    (local.set 1 (i32.load offset=0x1000 (i32.const 0)))
    (local.set 2 (i64.load offset=0x80 (i32.const 0)))
    (local.set 5 (i64.load offset=0x88 (i32.const 0)))
    (local.set 6 (i32.load offset=0x90 (i32.const 0)))
    (local.set 19 (i64.load (i32.const 0)))
    (local.set 20 (i64.load offset=0x8 (i32.const 0)))
    (local.set 10 (i64.load offset=0x18 (i32.const 0)))
    (local.set 12 (i64.load offset=0x20 (i32.const 0)))
    (local.set 16 (i64.load offset=0x28 (i32.const 0)))
    (block $1
      (block $2
        (loop $3
          (@metadata.code.branch_hint "\00")
          (if
            (i32.lt_s (local.tee 1 (i32.add (local.get 1) (i32.const -9))) (i32.const 0))
            (then
              (local.set 9 (i32.const 19))
              (br $2)))
          (local.set 11 (local.get 10))
          (i64.store
            (local.tee 15
              (@metadata.code.branch_hint "\01")
              (if (result i32)
                (i64.eq
                  (i64.load offset=0x10008
                    (local.tee 14
                      (i32.and
                        (i32.shr_u
                          (i32.wrap_i64 (local.tee 13 (i64.add (local.get 12) (i64.const -8))))
                          (i32.const 6))
                        (i32.const 131008))))
                  (i64.and (i64.add (local.get 13) (i64.const 7)) (i64.const -4096)))
                (then
                  (i32.add (i32.load offset=0x10020 (local.get 14)) (i32.wrap_i64 (local.get 13))))
                (else
                  (@metadata.code.branch_hint "\00")
                  (if
                    (i32.eqz (local.tee 15 (call $refillWrite (local.get 13) (i32.const 8))))
                    (then
                      (local.set 9 (i32.const 19))
                      (br $2)))
                  (local.get 15))))
            (local.get 11))
          (local.set 12 (local.get 13))
          (local.set 13 (local.get 16))
          (i64.store
            (local.tee 14
              (@metadata.code.branch_hint "\01")
              (if (result i32)
                (i64.eq
                  (i64.load offset=0x10008
                    (local.tee 15
                      (i32.and
                        (i32.shr_u
                          (i32.wrap_i64 (local.tee 11 (i64.add (local.get 12) (i64.const -8))))
                          (i32.const 6))
                        (i32.const 131008))))
                  (i64.and (i64.add (local.get 11) (i64.const 7)) (i64.const -4096)))
                (then
                  (i32.add (i32.load offset=0x10020 (local.get 15)) (i32.wrap_i64 (local.get 11))))
                (else
                  (@metadata.code.branch_hint "\00")
                  (if
                    (i32.eqz (local.tee 14 (call $refillWrite (local.get 11) (i32.const 8))))
                    (then
                      (local.set 9 (i32.const 273))
                      (br $2)))
                  (local.get 14))))
            (local.get 13))
          (local.set 16 (local.tee 12 (local.get 11)))
          (local.set 11 (local.get 10))
          (local.set 17
            (i64.load
              (local.tee 15
                (@metadata.code.branch_hint "\01")
                (if (result i32)
                  (i64.eq
                    (i64.load offset=0x10000
                      (local.tee 14
                        (i32.and
                          (i32.shr_u
                            (i32.wrap_i64 (local.tee 13 (i64.add (local.get 16) (i64.const 8))))
                            (i32.const 6))
                          (i32.const 131008))))
                    (i64.and (i64.add (local.get 13) (i64.const 7)) (i64.const -4096)))
                  (then
                    (i32.add (i32.load offset=0x10020 (local.get 14)) (i32.wrap_i64 (local.get 13))))
                  (else
                    (@metadata.code.branch_hint "\00")
                    (if
                      (i32.eqz (local.tee 15 (call $refillRead (local.get 13) (i32.const 8))))
                      (then
                        (local.set 9 (i32.const 1293))
                        (br $2)))
                    (local.get 15))))))
          (local.set 10 (local.tee 18 (i64.add (local.get 11) (local.get 17))))
          (local.set 4 (local.get 11))
          (local.set 7 (local.get 17))
          (local.set 5 (local.get 18))
          (local.set 8 (i32.const 11))
          (local.set 17
            (i64.load
              (local.tee 14
                (@metadata.code.branch_hint "\01")
                (if (result i32)
                  (i64.eq
                    (i64.load offset=0x10000
                      (local.tee 15
                        (i32.and
                          (i32.shr_u (i32.wrap_i64 (local.tee 18 (local.get 12))) (i32.const 6))
                          (i32.const 131008))))
                    (i64.and (i64.add (local.get 18) (i64.const 7)) (i64.const -4096)))
                  (then
                    (i32.add (i32.load offset=0x10020 (local.get 15)) (i32.wrap_i64 (local.get 18))))
                  (else
                    (@metadata.code.branch_hint "\00")
                    (if
                      (i32.eqz (local.tee 14 (call $refillRead (local.get 18) (i32.const 8))))
                      (then
                        (local.set 9 (i32.const 2315))
                        (br $2)))
                    (local.get 14))))))
          (local.set 12 (local.tee 13 (i64.add (local.get 12) (i64.const 8))))
          (local.set 16 (local.get 17))
          (local.set 17
            (i64.load
              (local.tee 15
                (@metadata.code.branch_hint "\01")
                (if (result i32)
                  (i64.eq
                    (i64.load offset=0x10000
                      (local.tee 14
                        (i32.and
                          (i32.shr_u (i32.wrap_i64 (local.tee 13 (local.get 12))) (i32.const 6))
                          (i32.const 131008))))
                    (i64.and (i64.add (local.get 13) (i64.const 7)) (i64.const -4096)))
                  (then
                    (i32.add (i32.load offset=0x10020 (local.get 14)) (i32.wrap_i64 (local.get 13))))
                  (else
                    (@metadata.code.branch_hint "\00")
                    (if
                      (i32.eqz (local.tee 15 (call $refillRead (local.get 13) (i32.const 8))))
                      (then
                        (local.set 9 (i32.const 2569))
                        (br $2)))
                    (local.get 15))))))
          (local.set 12 (local.tee 18 (i64.add (local.get 12) (i64.const 8))))
          (local.set 19 (local.get 17))
          (local.set 18 (local.get 10))
          (local.set 17 (local.get 19))
          (local.set 10 (local.tee 13 (i64.xor (local.get 18) (local.get 17))))
          (local.set 5 (local.get 13))
          (local.set 8 (i32.const 7))
          (local.set 20 (local.tee 17 (i64.add (local.tee 13 (local.get 20)) (i64.const -1))))
          (local.set 6 (i32.const 0))
          (local.set 5 (local.get 17))
          (local.set 8 (i32.const 31))
          (br_if $3 (i32.eqz (i64.eqz (local.get 5)))))
        (local.set 9 (i32.const 4865)))
      (local.set 3 (i64.add (local.get 2) (i64.extend_i32_s (i32.shr_s (local.get 9) (i32.const 8)))))
      (local.set 1 (i32.add (local.get 1) (i32.and (i32.shr_u (local.get 9) (i32.const 1)) (i32.const 127))))
      (local.set 9 (i32.and (local.get 9) (i32.const 1))))
    (i64.store offset=0x80 (i32.const 0) (local.get 3))
    (i32.store offset=0x1000 (i32.const 0) (local.get 1))
    (i64.store (i32.const 0) (local.get 19))
    (i64.store offset=0x8 (i32.const 0) (local.get 20))
    (i64.store offset=0x18 (i32.const 0) (local.get 10))
    (i64.store offset=0x20 (i32.const 0) (local.get 12))
    (i64.store offset=0x28 (i32.const 0) (local.get 16))
    (if
      (i32.eqz (local.get 8))
      (then
        (i64.store offset=0x88 (i32.const 0) (local.get 5))
        (i32.store offset=0x90 (i32.const 0) (local.get 6)))
      (else
        (call $flagWords (local.get 8) (local.get 4) (local.get 5) (local.get 6))))
    (local.get 9)))
