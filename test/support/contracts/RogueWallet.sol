// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// A contract that answers the question whether a signature is its owner's (ERC-1271) in every wrong way.
contract RogueWallet {
    string private behaviour;
    uint256 private asked;

    constructor(string memory behaviour_) {
        behaviour = behaviour_;
    }

    function isValidSignature(bytes32, bytes calldata) external returns (bytes4) {
        bytes32 how = keccak256(bytes(behaviour));
        if (how == keccak256("reverts")) revert("no");
        if (how == keccak256("reverts with the magic value")) {
            assembly {
                mstore(0, shl(224, 0x1626ba7e))
                revert(0, 32)
            }
        }
        if (how == keccak256("burns all gas")) {
            while (true) {}
        }
        if (how == keccak256("fails")) {
            assembly {
                invalid()
            }
        }
        if (how == keccak256("answers nothing")) {
            assembly {
                return(0, 0)
            }
        }
        if (how == keccak256("answers the magic value alone")) {
            assembly {
                mstore(0, shl(224, 0x1626ba7e))
                return(0, 4)
            }
        }
        if (how == keccak256("answers true")) {
            assembly {
                mstore(0, 1)
                return(0, 32)
            }
        }
        if (how == keccak256("answers the magic value and more")) {
            assembly {
                mstore(0, or(shl(224, 0x1626ba7e), 1))
                return(0, 32)
            }
        }
        if (how == keccak256("answers half a megabyte")) {
            assembly {
                return(0, 500000)
            }
        }
        if (how == keccak256("writes something down")) asked += 1;
        if (how == keccak256("agrees after 1.5 million gas")) burn(1500000);
        if (how == keccak256("agrees after 2.5 million gas")) burn(2500000);
        return this.isValidSignature.selector;
    }

    function burn(uint256 amount) private view {
        uint256 before = gasleft();
        while (before - gasleft() < amount) {}
    }
}
